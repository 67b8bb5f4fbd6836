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
    id: 'dns-dropped',
    check: 'pod-dns-failing',
    where: 'node-network',
    inject: 'iptables -t raw -I PREROUTING -s "$IP" -p udp --dport 53 -j DROP',
    shows: ['kubernetes.default'],
    repair: 'iptables -t raw -D PREROUTING -s "$IP" -p udp --dport 53 -j DROP',
    when: hasSubnet,
  },
];
