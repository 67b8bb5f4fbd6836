/** What can break between a pod and its node: links, addresses, routes, neighbours. Each on its own pod. */
import { type Fault, hasSubnet, isBridge } from './fault.ts';

/** A route through a gateway needs the route that leads to the gateway. */
const gatewaysLast = `awk '/ via / { last = last $0 "\\n"; next } { print } END { printf "%s", last }'`;

export const podNetworkFaults: readonly Fault[] = [
  {
    id: 'local-route-deleted',
    check: 'pod-routing-incomplete',
    where: 'pod-network',
    inject: 'ip route del local "$IP" dev eth0 table local',
    shows: ['$IP', 'table local'],
    repair: 'remedy',
  },
  {
    id: 'filter-in-pod-drops',
    check: 'link-program-unexpected',
    where: 'pod-network',
    inject:
      "tc qdisc add dev eth0 clsact && tc filter add dev eth0 egress prio 1 bpf da bytecode '1,6 0 0 2,'",
    shows: ['eth0 of the pod', 'drops all that the pod sends'],
    repair: 'remedy',
  },
  {
    id: 'queue-in-pod-loses',
    check: 'link-program-unexpected',
    where: 'node',
    inject: 'nsenter --net=/proc/$PID/ns/net tc qdisc add dev eth0 root blackhole',
    shows: ['blackhole', 'eth0 of the pod'],
    repair: 'remedy',
  },
  {
    id: 'arp-ignored-in-pod',
    check: 'link-arp-ignored',
    where: 'node',
    inject: 'nsenter --net=/proc/$PID/ns/net sysctl -w net.ipv4.conf.eth0.arp_ignore=8 >&2',
    shows: ['net.ipv4.conf.eth0.arp_ignore', '8'],
    repair: 'remedy',
  },
  {
    id: 'main-rule-deleted',
    check: 'pod-routing-incomplete',
    where: 'pod-network',
    inject: 'ip rule del priority 32766',
    shows: ['lookup main'],
    repair: 'remedy',
  },
  {
    id: 'eth0-deleted',
    check: 'pod-interface-missing',
    where: 'pod-network',
    inject: 'ip link del eth0',
    shows: ['eth0', '$IP'],
    repair: 'remedy',
  },
  {
    id: 'eth0-down',
    check: 'pod-interface-down',
    where: 'pod-network',
    inject: 'ip link set eth0 down',
    shows: ['eth0'],
    repair: 'remedy',
  },
  {
    id: 'loopback-down',
    check: 'pod-loopback-down',
    where: 'pod-network',
    inject: 'ip link set lo down',
    shows: ['lo'],
    repair: 'remedy',
  },
  {
    id: 'mtu-differs',
    check: 'pod-mtu-mismatch',
    where: 'pod-network',
    inject: 'ip link set eth0 mtu 1337',
    shows: ['1337'],
    repair: 'remedy',
  },
  {
    id: 'address-flushed',
    check: 'pod-address-missing',
    where: 'pod-network',
    inject: 'ip -4 addr flush dev eth0',
    shows: ['$IP'],
    repair: 'remedy',
  },
  {
    id: 'address-changed',
    check: 'pod-address-mismatch',
    where: 'pod-network',
    // The routes that were deleted with the address are restored: only the address is wrong.
    inject: `ip route show > /tmp/routes.$$; prefix=$(ip -o -4 addr show dev eth0 | sed 's#.*inet [0-9.]*/\\([0-9]*\\) .*#\\1#')
ip addr del "$IP/$prefix" dev eth0; ip addr add "$FREE_IP/$prefix" dev eth0
grep -v 'proto kernel' /tmp/routes.$$ | ${gatewaysLast} | sed "s/ src $IP//" | while read -r route; do ip route replace $route; done
rm /tmp/routes.$$`,
    shows: ['$IP', '$FREE_IP'],
    repair: 'remedy',
    when: hasSubnet,
  },
  {
    id: 'address-twice',
    check: 'pod-address-duplicate',
    pods: 2,
    where: 'pod-network',
    inject: `ip addr add "$OTHER_IP/32" dev eth0`,
    shows: ['$OTHER_IP', '$POD', '$OTHER_POD'],
    repair: `ip addr del "$OTHER_IP/32" dev eth0`,
  },
  {
    id: 'routes-flushed',
    check: 'pod-default-route-missing',
    where: 'pod-network',
    inject: 'ip route flush table main',
    shows: [],
    repair: 'remedy',
  },
  {
    id: 'prefix-shortened',
    check: 'pod-address-wrong-subnet',
    where: 'pod-network',
    inject:
      'ip addr add "$IP/8" dev eth0; for a in $(ip -o -4 addr show dev eth0 | sed -n "s#.*inet \\([0-9./]*\\) .*#\\1#p"); do [ "$a" = "$IP/8" ] || ip addr del "$a" dev eth0; done; ip route replace default via "$GATEWAY" dev eth0',
    shows: ['$IP/8'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'route-blackholed',
    check: 'pod-route-blackhole',
    where: 'pod-network',
    inject: 'ip route add blackhole 10.96.0.0/12',
    shows: ['blackhole 10.96.0.0/12'],
    repair: 'remedy',
  },
  {
    id: 'route-to-nobody',
    check: 'pod-route-blackhole',
    where: 'pod-network',
    inject: 'ip route add 198.18.0.0/15 via "$FREE_IP"',
    shows: ['198.18.0.0/15', '$FREE_IP', 'Nobody on'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'second-next-hop',
    check: 'pod-default-route-missing',
    where: 'pod-network',
    inject: 'ip route replace default nexthop via "$GATEWAY" dev eth0 nexthop via "$FREE_IP" dev eth0',
    shows: ['default via $FREE_IP'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'rule-misleads',
    check: 'pod-route-blackhole',
    where: 'pod-network',
    inject: 'ip route add unreachable default table 100; ip rule add pref 100 lookup 100',
    shows: ['unreachable default', 'table 100'],
    repair: 'remedy',
  },
  {
    id: 'rule-drops',
    check: 'pod-route-blackhole',
    where: 'pod-network',
    inject: 'ip rule add prohibit pref 10',
    shows: ['10: from all prohibit'],
    repair: 'remedy',
  },
  {
    id: 'interface-without-arp',
    check: 'pod-interface-down',
    where: 'pod-network',
    inject: 'ip link set eth0 arp off',
    shows: ['NOARP'],
    repair: 'remedy',
  },
  {
    id: 'default-route-deleted',
    check: 'pod-default-route-missing',
    where: 'pod-network',
    inject: 'ip route del default',
    shows: ['$GATEWAY'],
    repair: 'remedy',
  },
  {
    id: 'default-route-misled',
    check: 'pod-default-route-missing',
    where: 'pod-network',
    // The pod itself may have the address.
    inject: `other="\${GATEWAY%.*}.252"
! ip -o address show dev eth0 | grep -qF " $other/" || other="\${GATEWAY%.*}.253"
ip route replace default via "$other" dev eth0 onlink`,
    shows: ['$GATEWAY'],
    repair: 'remedy',
  },
  {
    id: 'gateway-route-deleted',
    check: 'pod-gateway-route-missing',
    where: 'pod-network',
    inject: `ip route del "$(ip route show dev eth0 | grep -v -e ^default -e via | awk '{print $1; exit}')" dev eth0`,
    shows: ['$GATEWAY'],
    repair: 'remedy',
    // With ptp the gateway has its own route, and the subnet is routed through it.
    when: (platform) => ['bridge', 'flannel', 'calico', 'aws-cni'].includes(platform.plugin),
  },
  {
    id: 'gateway-mac-wrong',
    check: 'pod-gateway-neighbour-wrong',
    where: 'pod-network',
    inject: 'ip neigh replace "$GATEWAY" lladdr 02:00:00:00:be:ef dev eth0 nud permanent',
    shows: ['$GATEWAY', '02:00:00:00:be:ef'],
    repair: 'remedy',
  },
  {
    id: 'host-veth-down',
    check: 'veth-host-side-down',
    where: 'node-network',
    inject: 'ip link set "$HOST_LINK" down',
    shows: ['$HOST_LINK'],
    repair: 'remedy',
  },
  {
    id: 'host-veth-off-bridge',
    check: 'veth-bridge-detached',
    where: 'node-network',
    inject: 'ip link set "$HOST_LINK" nomaster',
    shows: ['$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'peer-inside-pod',
    check: 'veth-peer-missing',
    where: 'pod-network',
    // Another pair replaces it, with the same address and routes, whose other end never left the pod.
    inject: `addr=$(ip -o -4 addr show dev eth0 | sed 's#.*inet \\([0-9./]*\\) .*#\\1#'); ip route show > /tmp/routes.$$
ip link del eth0; ip link add eth0 type veth peer name inner; ip link set inner up; ip link set eth0 up; ip addr add "$addr" dev eth0
grep -v 'proto kernel' /tmp/routes.$$ | ${gatewaysLast} | while read -r route; do ip route replace $route; done; rm /tmp/routes.$$`,
    shows: ['eth0'],
    repair: 'remedy',
  },
  {
    id: 'secondary-missing',
    check: 'pod-secondary-interface-missing',
    annotations: {
      'k8s.v1.cni.cncf.io/networks': 'storage',
      'k8s.v1.cni.cncf.io/network-status':
        '[{"name":"cluster","interface":"eth0","default":true},{"name":"netns-audit-e2e/storage","interface":"net1","ips":["192.168.77.2"]}]',
    },
    where: 'pod-network',
    inject: '! ip link show net1 2>/dev/null',
    shows: ['net1'],
    // A recreated pod has the annotation again: here the annotation is false.
    repair: ':',
  },
  {
    id: 'veth-left-over',
    check: 'veth-orphaned',
    pods: 0,
    object: { kind: 'link', name: 'veth0e2e0009', node: '$NODE' },
    where: 'node-network',
    inject: 'ip link add veth0e2e0009 type veth peer name e2epeer0',
    shows: ['e2epeer0'],
    repair: 'remedy',
    cleanup: 'ip link del veth0e2e0009 2>/dev/null || :',
  },
];
