# After pods.sh: routes and rules of the node for addresses that nobody has; somebody has some of the addresses by now.
mkdir -p /var/lib/cni/networks/lab /run/aws-node
: >/var/lib/cni/networks/lab/lock
echo '{"version": "vpc-cni-ipam/1", "allocations": [{"containerID": "1", "ifName": "eth0", "ipv4": "10.3.3.18"}, {"containerID": "2", "ifName": "eth0", "ipv4": "10.3.3.38"}]}' >/run/aws-node/ipam.json
ip link add eth9 type veth peer name eth9peer
ip link set eth9 up
ip link set eth9peer up
ip addr add 10.7.7.2/24 dev eth9

# stale_route NUMBER [SCOPE] [ADDRESS]: of a link that leads into a pod, which has another address.
stale_route() {
  ip route add "${3:-10.3.3.$1}" dev "$(link "$1")" scope "${2:-link}"
  printf 'restore-stale-route=%s/route,none,0,%s,%s,%s,%s\n' "$1" "$(link "$1")" "$(number "$1")" "${3:-10.3.3.$1}" "${2:-link}" >>/run/lab/asked
}
rule() { case $2 in main) ip rule "$1" to "10.3.3.$3" lookup main priority 512 ;; *) ip rule "$1" from "10.3.3.$3" lookup "$2" priority 1536 ;; esac; }
stale_rule() {
  rule add "$2" "$1"
  printf 'restore-stale-rule=%s/rule,none,0,10.3.3.%s,%s\n' "$1" "$1" "$2" >>/run/lab/asked
}

lose() {
  case $1 in
    2) ip link set "$(link 2)" down && ip link set "$(link 2)" up && stale_route 2 host ;;
    3) stale_rule 3 main ;;
    4) stale_rule 4 2 ;;
    5) stale_route 5 global fd00::5 ;;
    *) stale_route "$1" ;;
  esac
}
routed=${FEW:-1 2 5 11 12 13 14 15 16 17 18 19 20 21 22 23 24 28}
for each in $routed; do
  pod "$each"
  ip link set "$(link "$each")" nomaster
done
for each in $routed; do await "$each"; done
network() {
  ip route
  ip -6 route | grep fd00 || :
  ip rule | sort
}
network >/run/lab/before
for each in ${FEW:-1 2 3 4 5}; do lose "$each"; done
if [ -z "${FEW:-}" ]; then
for each in 11 12 13 14 15 16 17 18 19 20 21 22 23 24 28; do stale_route $each; done
for each in 31 32 33 37 38; do stale_rule $each main; done
for each in 34 35; do stale_rule $each 2; done
# What became of it since.
ip route del 10.3.3.11
ip route replace 10.3.3.12 via 10.7.7.1
ip route replace 10.3.3.13 dev "$(link 13)" scope host
inside 14 ip addr add 10.3.3.14/32 dev eth0
unshare --net sh -c 'ip addr add 10.3.3.15/32 dev lo; : >/run/lab/fifteen; exec sleep 1000' </dev/null >/dev/null 2>&1 &
until [ -e /run/lab/fifteen ]; do :; done
echo '{"containerId": "other", "result": {"ips": [{"address": "10.3.3.16/24"}]}}' >/var/lib/cni/results/lab-sixteen-eth0
for each in 17 37; do echo 17 >"/var/lib/cni/networks/lab/10.3.3.$each"; done
ip link set "$(link 19)" name elsewhere
ip link del "$(link 20)"
ip link set "$(link 21)" master cni0
unshare --net sh -c ': >/run/lab/unnamed; exec sleep 1000' </dev/null >/dev/null 2>&1 &
until [ -e /run/lab/unnamed ]; do :; done
inside 22 ip link set eth0 netns $!
ip route add 10.3.3.23 dev eth9 metric 7
ip route replace 10.3.3.24 dev "$(link 24)" scope link proto static
ip addr add 10.3.3.28/32 dev lo
rule del main 31
rule del main 32 && ip rule add to 10.3.3.32 lookup 3 priority 512
rule del main 33 && ip rule add to 10.3.3.33 fwmark 7 lookup main priority 512
ip rule add from 10.3.3.34 lookup 3 priority 1536
inside 14 ip addr add 10.3.3.35/32 dev eth0
fi
[ -z "${NO_RECORDS:-}" ] || rm -r /var/lib/cni/networks
[ -z "${NO_IPAMD:-}" ] || rm /run/aws-node/ipam.json
[ -z "${SPELLED:-}" ] || sed -i 's/,10\.3\.3\.1,/,10.3.3.01,/; s/,fd00::5,/,fd00:0::5,/' /run/lab/asked
[ -z "${BROKEN:-}" ] || echo '{' >/run/aws-node/ipam.json
finish
