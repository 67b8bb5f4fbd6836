/** Faults that only packets show: nothing configured is wrong. Found with --active ping,dns. */
import { type Fault, hasSubnet } from './fault.ts';

export const connectivityFaults: readonly Fault[] = [
  {
    id: 'arp-unanswered',
    check: 'node-to-pod-unreachable',
    where: 'node-network',
    inject: `nft add table netdev netns_audit_arp
nft add chain netdev netns_audit_arp in "{ type filter hook ingress device \\"$HOST_LINK\\" priority 0; }"
nft add rule netdev netns_audit_arp in arp operation reply drop
ip neigh flush to "$IP"`,
    shows: ['$IP'],
    repair: 'remedy',
    cleanup: 'nft delete table netdev netns_audit_arp',
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
