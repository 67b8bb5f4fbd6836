/** Two independent faults on one pod: neither may hide the other. */
import { type Fault, hasHostLocal, hasSubnet } from './fault.ts';

export const pairs: readonly Fault[] = [
  {
    id: 'two-loopback-and-mtu',
    check: 'pod-loopback-down',
    also: [{ check: 'pod-mtu-mismatch', object: { name: '$POD' } }],
    where: 'pod-network',
    inject: 'ip link set lo down; ip link set eth0 mtu 1337',
    shows: ['lo'],
    repair: 'remedy',
  },
  {
    id: 'two-gateway-and-firewall',
    check: 'pod-gateway-neighbour-wrong',
    also: [{ check: 'pod-firewall-blocks-all', object: { name: '$POD' } }],
    where: 'pod-network',
    inject:
      'ip neigh replace "$GATEWAY" lladdr 02:00:00:00:be:ef dev eth0 nud permanent; iptables-legacy -A INPUT -j DROP; iptables-legacy -A OUTPUT -j DROP',
    shows: ['02:00:00:00:be:ef'],
    repair: 'remedy',
    when: hasSubnet,
  },
  {
    id: 'two-interface-and-pin',
    check: 'pod-interface-missing',
    also: [{ check: 'namespace-pin-missing', object: { name: '$POD' } }],
    where: 'node',
    inject: 'nsenter --net="$PIN" ip link del eth0; umount "$PIN"; rm "$PIN"',
    shows: ['eth0'],
    repair: 'remedy',
  },
  {
    id: 'two-route-and-resolv-conf',
    check: 'pod-default-route-missing',
    also: [{ check: 'resolv-conf-missing', object: { name: '$POD' } }],
    where: 'node',
    inject: 'nsenter --net="$PIN" ip route del default; : > "/proc/$PID/root/etc/resolv.conf"',
    shows: ['$GATEWAY'],
    repair: 'remedy',
  },
  {
    id: 'two-host-veth-and-reservation',
    check: 'veth-host-side-down',
    also: [{ check: 'ipam-unrecorded', object: { name: '$POD' } }],
    where: 'node',
    inject: 'ip link set "$HOST_LINK" down; rm /var/lib/cni/networks/*/"$IP"',
    shows: ['$HOST_LINK'],
    repair: 'remedy',
    when: hasHostLocal,
  },
];
