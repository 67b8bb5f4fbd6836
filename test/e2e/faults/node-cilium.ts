/** Faults of the programs and links by which Cilium carries packets. */
import { type Fault, isCilium } from './fault.ts';

/** Where the agent is a process of the node, whatever started it starts it again; until the file is there. */
const restartUntil = (file: string): string =>
  `pkill -x cilium-agent; for n in $(seq 200); do [ ! -e "${file}" ] || break; sleep 0.3; done; [ -e "${file}" ]`;

const DEVICES = '/sys/fs/bpf/cilium/devices';

export const ciliumFaults: readonly Fault[] = [
  {
    id: 'program-of-pod-gone',
    check: 'link-program-missing',
    alone: true,
    where: 'node',
    inject: `state=$(dirname "$(grep -lwF "$IP" /var/run/cilium/state/*/ep_config.json)"); pin=/sys/fs/bpf/cilium/endpoints/\${state##*/}/links/cil_from_container
echo "PIN=$pin"; rm "$pin"`,
    shows: ['$HOST_LINK', 'cil_from_container'],
    repair: restartUntil('$PIN'),
    when: isCilium,
  },
  {
    id: 'program-of-host-gone',
    check: 'node-link-program-missing',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `rm ${DEVICES}/cilium_host/links/cil_from_host`,
    shows: ['cilium_host', 'cil_from_host'],
    repair: restartUntil(`${DEVICES}/cilium_host/links/cil_from_host`),
    when: isCilium,
  },
  {
    id: 'program-of-tunnel-gone',
    check: 'node-link-program-missing',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `rm ${DEVICES}/cilium_vxlan/links/cil_from_overlay`,
    shows: ['cilium_vxlan', 'cil_from_overlay'],
    repair: restartUntil(`${DEVICES}/cilium_vxlan/links/cil_from_overlay`),
    when: isCilium,
  },
  {
    id: 'route-to-own-pods-deleted',
    check: 'gateway-link-broken',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As cilium_host loses its routes when it goes down; the agent sets it up again, and leaves the route for later.
    inject: `echo "GATEWAY=$(ip -4 -o addr show dev cilium_host | sed -n 's/.* inet \\([0-9.]*\\).*/\\1/p')"; ip route del "\${IP%.*}.0/24"`,
    shows: ['cilium_host', '$IP'],
    repair: 'ip route replace "${IP%.*}.0/24" via "$GATEWAY" dev cilium_host src "$GATEWAY"',
    when: isCilium,
  },
  {
    id: 'blackhole-for-own-pods',
    check: 'gateway-link-broken',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: 'ip route add blackhole "$IP/32"',
    shows: ['blackhole $IP'],
    repair: 'remedy',
    cleanup: 'ip route del blackhole "$IP/32" 2>/dev/null || :',
    when: isCilium,
  },
  {
    id: 'forward-of-pods-dropped',
    check: 'node-firewall-drops',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `iptables -S FORWARD | sed -n 's/^-A \\(.*-j CILIUM_FORWARD\\)$/-D \\1/p' | xargs -r iptables; iptables -P FORWARD DROP`,
    shows: ['what pods send out of the node', 'of FORWARD'],
    repair: 'remedy',
    cleanup:
      'iptables -P FORWARD ACCEPT; iptables -S FORWARD | grep -q "j CILIUM_FORWARD" || iptables -I FORWARD -m comment --comment "cilium-feeder: CILIUM_FORWARD" -j CILIUM_FORWARD',
    when: isCilium,
  },
];
