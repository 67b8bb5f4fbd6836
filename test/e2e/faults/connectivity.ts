/** What only packets show: nothing that is configured is wrong. Found with --active ping,dns. */
import { type Fault, hasSubnet } from './fault.ts';

export const connectivityFaults: readonly Fault[] = [
  {
    id: 'echo-ignored',
    check: 'node-to-pod-unreachable',
    where: 'pod-network',
    inject: 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all',
    shows: ['$IP'],
    repair: 'echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all',
  },
  {
    id: 'gateway-silent',
    check: 'pod-to-gateway-unreachable',
    where: 'node-network',
    inject: 'iptables -t raw -I PREROUTING -s "$IP" -p icmp --icmp-type echo-request -j DROP',
    shows: ['$GATEWAY'],
    repair: 'iptables -t raw -D PREROUTING -s "$IP" -p icmp --icmp-type echo-request -j DROP',
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
