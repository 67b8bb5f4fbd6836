/** What is wrong on a node as a whole. */
import { type Fault, isBridge } from './fault.ts';

export const nodeFaults: readonly Fault[] = [
  {
    id: 'forwarding-off',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'echo 0 > /proc/sys/net/ipv4/ip_forward',
    shows: ['net.ipv4.ip_forward', '0'],
    repair: 'remedy',
    cleanup: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    // Cilium's BPF programs forward by themselves.
    when: ({ plugin }) => plugin !== 'cilium-cni',
  },
  {
    id: 'bridge-address-wrong',
    check: 'bridge-address-stale',
    pods: 1,
    object: { node: '$NODE' },
    where: 'node-network',
    inject: `bridge=$(ip -j link show "$HOST_LINK" | jq -r '.[0].master'); echo "BRIDGE=$bridge"; ip addr show dev "$bridge" >&2
old=$(ip -o -4 addr show dev "$bridge" | sed 's#.*inet \\([0-9./]*\\) .*#\\1#'); echo "OLD=$old"; ip addr add 10.250.77.1/24 dev "$bridge"; ip addr del "$old" dev "$bridge"`,
    shows: ['10.250.77.1'],
    repair: 'ip addr add "$OLD" dev "$BRIDGE"; ip addr del 10.250.77.1/24 dev "$BRIDGE"',
    when: isBridge,
  },
  {
    id: 'route-left-over',
    check: 'host-route-stale',
    pods: 1,
    object: { node: '$NODE' },
    where: 'node-network',
    inject: 'ip route add "${IP%.*}.243/32" dev "$HOST_LINK" scope link; echo "STALE=${IP%.*}.243"',
    shows: ['$STALE', '$HOST_LINK'],
    repair: 'remedy',
    cleanup: 'ip route del "$STALE/32" 2>/dev/null || :',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
  {
    id: 'route-deleted',
    check: 'host-route-missing',
    where: 'node-network',
    inject: 'ip route del "$IP/32"',
    shows: ['$IP'],
    repair: 'remedy',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
  {
    id: 'route-misled',
    check: 'host-route-misdirected',
    pods: 2,
    where: 'node-network',
    inject: 'ip route replace "$IP/32" dev "$OTHER_HOST_LINK" scope link',
    shows: ['$IP', '$OTHER_HOST_LINK', '$HOST_LINK'],
    repair: 'remedy',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
];
