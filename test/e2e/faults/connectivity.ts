/** What only packets show: nothing that is configured is wrong. Found with --active ping,dns. */
import { type Fault, hasSubnet } from './fault.ts';

export const connectivityFaults: readonly Fault[] = [
  {
    id: 'arp-off',
    check: 'node-to-pod-unreachable',
    where: 'pod-network',
    inject: 'ip link set eth0 arp off',
    shows: ['$IP'],
    repair: 'remedy',
    when: hasSubnet,
  },
  {
    id: 'gateway-silent',
    check: 'pod-to-gateway-unreachable',
    where: 'node-network',
    // The node still asks for the pod and hears it; what the pod asks for is lost on its way.
    inject: `nft add table netdev e2e; nft "add chain netdev e2e in { type filter hook ingress device \\"$HOST_LINK\\" priority 0; }"
nft add rule netdev e2e in ether type arp arp operation request drop; nsenter --net="/proc/$PID/ns/net" ip neigh flush dev eth0`,
    shows: ['$GATEWAY'],
    repair: 'nft delete table netdev e2e',
    cleanup: 'nft delete table netdev e2e 2>/dev/null || :',
    when: hasSubnet,
  },
  {
    id: 'dns-dropped',
    check: 'pod-dns-failing',
    where: 'node-network',
    inject: 'iptables -t raw -I PREROUTING -s "$IP" -p udp --dport 53 -j DROP',
    shows: ['kubernetes.default'],
    repair: 'iptables -t raw -D PREROUTING -s "$IP" -p udp --dport 53 -j DROP',
    when: hasSubnet,
  },
];
