# After pods.sh: what a node has lost for its pods: its routes and rules for them, neighbour entries, and settings; some turn into what must not be touched.
ip link add eth9 type veth peer name eth9peer
ip link set eth9 up
ip link set eth9peer up
ip addr add 10.7.7.2/24 dev eth9
ip route add default via 10.7.7.1
ip route add 10.7.7.1 dev eth9 table 2
ip route add default via 10.7.7.1 dev eth9 table 2
echo 1 >/proc/sys/net/ipv4/ip_forward

# told NUMBER TYPE ADDRESS TABLE: what the plugins keep of a pod with a route of its own.
told() {
  config=$(printf '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "%s"}]}' "$2" | base64 -w 0)
  cat >"/var/lib/cni/results/lab-$1-eth0" <<JSON
{"kind": "cniCacheV1", "containerId": "$1", "ifName": "eth0", "networkName": "lab", "config": "$config", "netns": "/var/run/netns/$(pin "$1")",
 "result": {"cniVersion": "1.0.0", "ips": [{"address": "$3/32", "interface": 1}],
 "interfaces": [{"name": "$(link "$1")"}, {"name": "eth0", "sandbox": "/var/run/netns/$(pin "$1")", "mac": "$4"}]}}
JSON
}
# unnamed NUMBER [CONTAINER]: with containerd 1.6 and Calico no result names the namespace but that of the loopback.
unnamed() {
  sed -i 's#, "netns": "[^"]*"##; s#"sandbox": "[^"]*", ##' "/var/lib/cni/results/lab-$1-eth0"
  printf '{"kind": "cniCacheV1", "containerId": "%s", "ifName": "lo", "networkName": "cni-loopback", "result": {"cniVersion": "1.0.0",
 "interfaces": [{"name": "lo", "sandbox": "/var/run/netns/%s"}]}}' "${2:-$1}" "$(pin "$1")" >"/var/lib/cni/results/cni-loopback-$1-lo"
}
mac() { cat "/sys/class/net/$(link "$1")/address"; }
to() { ip rule add to "10.2.2.$1" lookup main priority 512; }
from() { ip rule add from "10.2.2.$1" lookup "${2:-2}" priority 1536; }
# routed NUMBER [TYPE]: as the VPC CNI makes it for a pod of the second ENI, or ptp.
routed() {
  pod "$1"
  ip link set "$(link "$1")" nomaster
  inside "$1" ip addr del "10.1.1.$1/24" dev eth0
  inside "$1" ip addr add "10.2.2.$1/32" dev eth0
  inside "$1" ip route add 169.254.1.1 dev eth0 scope link
  inside "$1" ip route add default via 169.254.1.1 dev eth0
  inside "$1" ip neigh add 169.254.1.1 lladdr "$(mac "$1")" nud permanent dev eth0
  case ${2:-aws-cni} in
    ptp) ip route add "10.2.2.$1" dev "$(link "$1")" scope host ;;
    *)
      ip route add "10.2.2.$1" dev "$(link "$1")" scope link
      to "$1"
      from "$1"
      ;;
  esac
  told "$1" "${2:-aws-cni}" "10.2.2.$1" 2
}
end_of() { printf '%s,%s' "$(link "$1")" "$(number "$1")"; }
route_gone() { ip route del "10.2.2.$1"; lost "$1" route host-route "$(end_of "$1"),10.2.2.$1,${2:-link},none"; }
route_wrong() { ip route replace "10.2.2.$1" dev "$(link 20)" scope link; lost "$1" route host-route "$(end_of "$1"),10.2.2.$1,link,$(link 20)"; }
to_gone() { ip rule del to "10.2.2.$1" priority 512; lost "$1" to aws-rule "$(end_of "$1"),10.2.2.$1,main"; }
from_gone() { ip rule del from "10.2.2.$1" priority 1536; lost "$1" from aws-rule "$(end_of "$1"),10.2.2.$1,${2:-2}"; }
wrong=02:de:ad:00:00:01
node_wrong() { ip neigh replace "$2" lladdr $wrong nud permanent dev "$3"; lost "$1" neighbour node-neighbour "$(end_of "$1"),$3,$2,$wrong"; }
gateway_wrong() { inside "$1" ip neigh replace "$2" lladdr $wrong nud permanent dev eth0; lost "$1" gateway gateway-neighbour "$(end_of "$1"),eth0,$2,$wrong,$3"; }
# other_wrong NUMBER OTHER: the pod has a wrong entry for the other one.
other_wrong() { inside "$1" ip neigh replace "10.1.1.$2" lladdr $wrong nud permanent dev eth0; lost "$1" other pod-neighbour "$(end_of "$1"),eth0,10.1.1.$2,$wrong,$(pin "$2"),$(inode "$2")"; }
switched_off() { echo 0 >"/proc/sys/net/ipv4/conf/$2/$3"; lost "$1" "${4:-$3}" link-setting "$2,$(cat "/sys/class/net/$2/ifindex"),$3"; }

bridged='5 6 8 12 28 33 36 40 41 42 43 44 45 46' own='1 2 3 4 7 9 10 11 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 30 31 34 35 47 48 49'
if [ -n "${FEW:-}" ]; then
  # That one has an entry for another pod.
  companion=$(case " $FEW " in *" 40 "*) echo 41 ;; esac)
  bridged=$(for each in $bridged; do case " $FEW $companion " in *" $each "*) echo "$each" ;; esac; done)
  own=$(for each in $own 20; do case " $FEW 20 " in *" $each "*) echo "$each" ;; esac; done | sort -u)
fi
for each in $bridged; do pod "$each"; done
for each in $own; do case $each in 1) routed 1 ptp ;; *) routed "$each" ;; esac; done
for each in $bridged $own; do await "$each"; done
network() {
  ip route
  # Those of one priority come in the order in which they were made.
  ip rule | sort
  ip route show table 2
  ip neigh show nud permanent | sort
  for setting in ip_forward conf/cni0/forwarding conf/eth9/forwarding; do echo "$setting $(cat "/proc/sys/net/ipv4/$setting")"; done
  for each in $bridged $own; do
    echo "pod $each"
    inside "$each" sh -c 'ip -o addr; ip route; ip neigh show nud permanent'
    echo "proxy_arp $(cat "/proc/sys/net/ipv4/conf/$(link "$each")/proxy_arp" 2>&1)"
  done
}
[ ! -e "/sys/class/net/$(link 11)" ] || echo 1 >"/proc/sys/net/ipv4/conf/$(link 11)/proxy_arp"
network >/run/lab/before

lose() {
  case $1 in
    1) route_gone 1 host ;;
    2) route_wrong 2 ;;
    3) to_gone 3 ;;
    4) from_gone 4 ;;
    5) ip route del 10.1.1.0/24 dev cni0; lost 5 subnet node-route cni0,10.1.1.0/24,10.1.1.254 ;;
    6) node_wrong 6 10.1.1.6 cni0 ;;
    7) node_wrong 7 10.2.2.7 "$(link 7)" ;;
    8) gateway_wrong 8 10.1.1.254 asked ;;
    9) gateway_wrong 9 169.254.1.1 written ;;
    10) inside 10 ip neigh del 169.254.1.1 dev eth0; lost 10 gateway gateway-neighbour "$(end_of 10),eth0,169.254.1.1,none,written" ;;
    11) switched_off 11 "$(link 11)" proxy_arp ;;
    12) switched_off 12 cni0 forwarding; switched_off 12 eth9 forwarding uplink ;;
    40) other_wrong 40 41 ;;
    47) unnamed 47; route_gone 47 ;;
    off) echo 0 >/proc/sys/net/ipv4/ip_forward; lost 1 forwarding forwarding 4 ;;
    six | advertised | accepted)
      sed -i 's#"ips": \[#&{"address": "fd00::1/128"}, #' /var/lib/cni/results/lab-1-eth0
      echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
      [ "$1" = six ] || ip -6 route add default via fe80::99 dev eth9 proto ra
      [ "$1" != accepted ] || echo 2 >/proc/sys/net/ipv6/conf/eth9/accept_ra
      lost 1 forwarding forwarding 6
      ;;
    four) echo 0 >/proc/sys/net/ipv6/conf/all/forwarding; lost 1 forwarding forwarding 6 ;;
  esac
}
for each in ${FEW:-1 2 3 4 5 6 7 8 9 10 11 12 40 47}; do lose "$each"; done
[ -z "${OFF:-}" ] || lose "$OFF"
if [ -z "${FEW:-}" ]; then
for each in 13 14 15 16 17 18; do route_gone $each; done
unnamed 48 other
route_gone 48
unnamed 49
route_gone 49
route_wrong 19
to_gone 21
for each in 22 23; do from_gone $each; done
told 24 aws-cni 10.2.2.24 9
from_gone 24 9
node_wrong 25 10.2.2.25 "$(link 25)"
node_wrong 26 10.2.2.26 "$(link 26)"
gateway_wrong 27 169.254.1.1 written
gateway_wrong 28 10.1.1.254 written
switched_off 30 "$(link 30)" forwarding
switched_off 31 other forwarding
lost 33 subnet node-route cni0,10.9.9.0/24,10.9.9.1
gateway_wrong 34 169.254.1.1 written
to_gone 35
lost 36 subnet node-route other,10.8.8.0/24,10.8.8.1
other_wrong 42 41
other_wrong 43 41
other_wrong 44 45
other_wrong 41 46
# What became of it since.
ip route add 10.2.2.13 dev "$(link 13)" scope link
ip route add 10.2.2.14 via 10.7.7.1
inside 15 ip addr del 10.2.2.15/32 dev eth0
told 16 aws-cni 10.2.2.116 2
told 99 aws-cni 10.2.2.17 2
ip link set "$(link 18)" down
ip route replace 10.2.2.19 via 10.7.7.1
to 21
from 22 3
told 23 aws-cni 10.2.2.23 3
ip neigh replace 10.2.2.25 lladdr 02:de:ad:00:00:02 nud permanent dev "$(link 25)"
ip neigh del 10.2.2.26 dev "$(link 26)"
inside 27 ip neigh replace 169.254.1.1 lladdr "$(mac 27)" nud permanent dev eth0
ip link set "$(link 30)" name elsewhere
inside 34 ip route del default
told 35 aws-cni 10.2.2.135 2
sed 's/"containerId": "49"/"containerId": "50"/' /var/lib/cni/results/lab-49-eth0 >/var/lib/cni/results/lab-50-eth0
inside 42 ip neigh replace 10.1.1.41 lladdr 02:de:ad:00:00:02 nud permanent dev eth0
inside 43 ip neigh del 10.1.1.41 dev eth0
inside 45 ip addr del 10.1.1.45/24 dev eth0
unshare --net="/run/netns/$(pin 46)" true
fi
finish
