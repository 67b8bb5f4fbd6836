# Runs as PID 1 of namespaces of its own: builds a node with pods that have lost a part of their network, turns some of them into what must
# not be touched, lets the repair go at all of them, and prints its answer, a line "---", and the node's network before and after. $1 is the script, $2 whether it acts.
script=$1 act=$2
set -e
mount --make-rprivate /
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mkdir -p /run/netns /run/lab/bin /run/programs /var/lib/cni/results
mount -t tmpfs netns /run/netns
mount --make-shared /run/netns
mount -t sysfs none /sys
tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p "$tasks/probe" /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/probe
[ -z "${ELSEWHERE:-}" ] || rmdir /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/probe
echo '{}' >"$tasks/probe/config.json"
ip link set lo up
for bridge in cni0 other vlans; do
  ip link add "$bridge" type bridge
  ip link set "$bridge" up
done
ip addr add 10.1.1.254/24 dev cni0

pin() { printf 'cni-00000000-0000-4000-8000-%012d' "$1"; }
link() { printf 'veth%08x' "$1"; }
number() { cat "/sys/class/net/$(link "$1")/ifindex"; }
inode() { stat -L -c %i "/run/netns/$(pin "$1")"; }
inside() { pod=$1; shift; nsenter --net="/run/netns/$(pin "$pod")" "$@"; }
# result NUMBER BRIDGE GATEWAY HAIRPIN [OPTIONS]: what the plugins keep of it.
result() {
  config=$(printf '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "hairpinMode": %s%s}]}' "$4" "${5:-}" | base64 -w 0)
  cat >"/var/lib/cni/results/lab-$1-eth0" <<JSON
{"kind": "cniCacheV1", "containerId": "$1", "ifName": "eth0", "networkName": "lab", "config": "$config", "netns": "/var/run/netns/$(pin "$1")",
 "result": {"cniVersion": "1.0.0", "ips": [{"address": "10.1.1.$1/24", "gateway": "$3", "interface": 2}], "routes": [{"dst": "0.0.0.0/0"}],
 "interfaces": [{"name": "$2"}, {"name": "$(link "$1")"}, {"name": "eth0", "sandbox": "/var/run/netns/$(pin "$1")"}]}}
JSON
}
# pod NUMBER [BRIDGE]: as the bridge plugin makes it with hairpinMode, and a container that runs in it.
pod() {
  : >"/run/netns/$(pin "$1")"
  unshare --net="/run/netns/$(pin "$1")" true
  ip link add "$(link "$1")" type veth peer name eth0 netns "$(pin "$1")"
  ip link set "$(link "$1")" master "${2:-cni0}" up
  ip link set "$(link "$1")" type bridge_slave hairpin on
  inside "$1" sh -c "ip link set lo up; ip link set eth0 up; ip addr add 10.1.1.$1/24 dev eth0; ip route add default via 10.1.1.254"
  result "$1" "${2:-cni0}" 10.1.1.254 true
  mkdir "$tasks/$1"
  nsenter --net="/run/netns/$(pin "$1")" sleep 1000 </dev/null >/dev/null 2>&1 &
  printf '%s' $! >"$tasks/$1/init.pid"
  printf '{"linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/%s"}]}}' "$(pin "$1")" >"$tasks/$1/config.json"
}
lost() { printf 'restore=%s/%s,%s,%s,%s,%s\n' "$1" "$2" "$3" "$(pin "$1")" "$(inode "$1")" "$4" >>/run/lab/asked; }
loopback_down() { inside "$1" ip link set lo down; lost "$1" lo lo up; }
default_gone() { inside "$1" ip route del default; lost "$1" default default-route eth0,10.1.1.254; }
subnet_gone() { inside "$1" ip route del 10.1.1.0/24 dev eth0; lost "$1" subnet subnet-route "eth0,10.1.1.0/24,10.1.1.$1"; }
flag() { ip link set "$(link "$1")" type bridge_slave "$2" "$3"; lost "$1" "$2" port-flag "$(link "$1"),$(number "$1"),$2,$4"; }
hairpin_off() { flag "$1" hairpin off on; }
detached() { ip link set "$(link "$1")" nomaster; lost "$1" port bridge-port "$(link "$1"),$(number "$1"),${2:-cni0}"; }
link_down() { ip link set "$(link "$1")" down; lost "$1" up link-up "$(link "$1"),$(number "$1")"; }

# What an audit found.
pods="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 31 32 33 34 35 36 37"
[ -z "${FEW:-}" ] || pods="1 2 3"
for each in $pods; do pod "$each"; done
# What a part of them have of a network, once it has settled.
network() {
  ip route
  for each in $pods; do
    case $each in 10 | 11 | 18 | 22 | 23) continue ;; esac
    echo "pod $each"
    inside "$each" sh -c 'ip -o addr; ip route; ip -o link'
    ip -d -o link show "$(link "$each")" | grep -oE 'state [A-Z]+|master [a-z0-9]+|(hairpin|learning|isolated) (on|off)'
  done
}
await() { until inside "$1" ip -o addr show dev eth0 | grep -q 'inet6 .*scope link' && ! inside "$1" ip -o addr | grep -q tentative; do :; done; }
for each in $pods; do await "$each"; done
network >/run/lab/before
if [ -n "${FEW:-}" ]; then
  loopback_down 1
  default_gone 2
  subnet_gone 3
else
loopback_down 1
inside 9 ip addr del 127.0.0.1/8 dev lo
lost 9 lo lo address
default_gone 2
subnet_gone 3
hairpin_off 4
detached 5
link_down 6
flag 7 learning off on
flag 8 isolated on off
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
# Not every kernel has bridges that tell VLANs apart. And a program that does not do what it is asked for.
cat >/run/lab/bin/ip <<PROGRAM
#!/bin/sh
case "\$*" in ${STUCK:-none}) exit 0 ;; ${FAILS:-none}) echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2 ;; esac
[ "\$*" = '-j -d addr' ] || exec $(command -v ip) "\$@"
$(command -v ip) "\$@" | jq -c '(.[] | select(.ifname == "vlans")).linkinfo.info_data.vlan_filtering = 1'
PROGRAM
chmod 755 /run/lab/bin/ip
cp "$(readlink -f "$(command -v dash || command -v bash)")" /run/lab/containerd-shim
cd "$tasks/probe"
# shellcheck disable=SC2046
PATH=/run/lab/bin:$PATH /run/lab/containerd-shim -c 'sh "$@"; :' shim -c "$script" repair "act=$act" settle=300 "total=${TOTAL:-300}" $(cat /run/lab/asked)
echo ---
cat /run/lab/before
echo ---
network
