# After pods.sh: pods of a bridge that have lost a part of their network; some turn into what must not be touched.
loopback_down() { inside "$1" ip link set lo down; lost "$1" lo lo up; }
default_gone() { inside "$1" ip route del default; lost "$1" default default-route eth0,10.1.1.254; }
subnet_gone() { inside "$1" ip route del 10.1.1.0/24 dev eth0; lost "$1" subnet subnet-route "eth0,10.1.1.0/24,10.1.1.$1"; }
flag() { ip link set "$(link "$1")" type bridge_slave "$2" "$3"; lost "$1" "$2" port-flag "$(link "$1"),$(number "$1"),$2,$4"; }
hairpin_off() { flag "$1" hairpin off on; }
detached() { ip link set "$(link "$1")" nomaster; lost "$1" port bridge-port "$(link "$1"),$(number "$1"),${2:-cni0}"; }
link_down() { ip link set "$(link "$1")" down; lost "$1" up link-up "$(link "$1"),$(number "$1")"; }

lose() {
  case $1 in
    1) loopback_down 1 ;;
    2) default_gone 2 ;;
    3) subnet_gone 3 ;;
    4) hairpin_off 4 ;;
    5) detached 5 ;;
    6) link_down 6 ;;
    7) flag 7 learning off on ;;
    8) flag 8 isolated on off ;;
    9) inside 9 ip addr del 127.0.0.1/8 dev lo; lost 9 lo lo address ;;
  esac
}

# What an audit found.
pods="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 31 32 33 34 35 36 37"
pods=${FEW:-$pods}
for each in $pods; do pod "$each"; done
# What a part of them have of a network, once it has settled.
network() {
  # A bridge loses its carrier some time after its last port.
  ip route | sed 's/ linkdown//'
  for each in $pods; do
    case $each in 10 | 11 | 18 | 22 | 23) continue ;; esac
    echo "pod $each"
    inside "$each" sh -c 'ip -o addr; ip route; ip -o link'
    ip -d -o link show "$(link "$each")" | grep -oE 'state [A-Z]+|master [a-z0-9]+|(hairpin|learning|isolated) (on|off)'
  done
}
for each in $pods; do await "$each"; done
network >/run/lab/before
for each in ${FEW:-1 2 3 4 5 6 7 8 9}; do lose "$each"; done
if [ -z "${FEW:-}" ]; then
for each in 10 11 12 36; do loopback_down $each; done
for each in 13 14 15 16 17 18; do default_gone $each; done
for each in 19 21 22 23 24 25; do hairpin_off $each; done
for each in 26 27 28 29; do detached $each; done
pod 30 vlans
detached 30 vlans
detached 31
result 31 cni0 10.1.1.254 false
link_down 32
subnet_gone 33
subnet_gone 34
# What became of it since.
unshare --net="/run/netns/$(pin 10)" true
kill "$(cat "$tasks/11/init.pid")"
while [ -e "/proc/$(cat "$tasks/11/init.pid")/ns/net" ]; do :; done
inside 12 ip link set lo up
inside 13 ip route add default via 10.1.1.253
result 14 cni0 10.1.1.77 true
inside 15 ip link set eth0 down
inside 16 ip route add 0.0.0.0/1 via 10.1.1.253
inside 17 ip route del 10.1.1.0/24
inside 17 ip route add 10.1.1.254 via 10.1.1.253 dev eth0 onlink
inside 18 ip link set eth0 name net0
ip link set "$(link 19)" nomaster
ip link set "$(link 21)" master other
ip link set "$(link 22)" name elsewhere
ip link del "$(link 23)"
result 24 cni0 10.1.1.254 false
inside 25 ip link set eth0 netns "$(pin 20)" name moved0
ip link set "$(link 26)" master other
ip addr add 10.9.9.27/24 dev "$(link 27)"
result 28 cni0 10.1.1.254 true ', "portIsolation": true'
ip link set "$(link 29)" down
ip link set "$(link 32)" nomaster
inside 33 ip route add 10.1.1.0/24 via 10.1.1.253 onlink dev eth0
inside 34 ip addr del 10.1.1.34/24 dev eth0
inside 34 ip addr add 10.1.1.99/24 dev eth0
inside 34 ip route del 10.1.1.0/24
rm "$tasks/36/config.json"
fi
finish
