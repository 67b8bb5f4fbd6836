/** Faults of the way between nodes. */
import { type Fault, inInjector, isAws, isCalico, isCilium } from './fault.ts';

/**
 * The first route of the node to pods of another, as this filter of jq prints it. Cilium's to the node's own pods has
 * its own address as the gateway, and no MTU.
 */
const routeToNode = (print: string): string =>
  `$(ip -j route show table main | jq -r '[.[] | select(.gateway and .dst != "default" and (.dst | contains("/")) and (.gateway != .prefsrc or .metrics))][0] | ${print}')`;

const WHOLE_ROUTE = routeToNode('"\\(.dst) via \\(.gateway) dev \\(.dev)"');

export const betweenNodesFaults: readonly Fault[] = [
  {
    id: 'tunnel-with-another-mac',
    check: 'node-tunnel-broken',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject:
      'echo "MAC=$(cat /sys/class/net/flannel.1/address)"; ip link set flannel.1 address 02:fa:ce:00:00:01',
    shows: ['$MAC', '02:fa:ce:00:00:01'],
    // The kernel drops the device's neighbour entries with its address: the remedy writes both anew.
    repair: 'remedy',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-sends-from-nowhere',
    check: 'node-tunnel-broken',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'ip link set flannel.1 type vxlan local 192.0.2.77',
    shows: ['192.0.2.77', 'flannel.1'],
    repair: 'remedy',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-on-another-port',
    check: 'tunnel-settings-differ',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // The kernel changes the port of no device: another one takes its place, with all that leads through it, while
    // the agent hangs.
    inject: `d=flannel.1; cd /run; set -- $(ip -d link show $d | sed -n 's/.* local \\([0-9.]*\\) dev \\([^ ]*\\) .*/\\1 \\2/p')
mac=$(cat /sys/class/net/$d/address); address=$(ip -o -4 addr show dev $d | sed 's/.* inet \\([0-9./]*\\) .*/\\1/')
ip route show dev $d >e2e-routes; ip neigh show dev $d nud permanent >e2e-neighbours; bridge fdb show dev $d | grep " dst " >e2e-entries
pkill -STOP -x flanneld; ip link del $d; ip link add $d address $mac type vxlan id 1 local $1 dev $2 dstport 4789 nolearning; ip addr add $address dev $d; ip link set $d up
while read -r route; do ip route replace $route dev $d; done <e2e-routes
while read -r to _ mac _; do ip neigh replace $to lladdr $mac dev $d nud permanent; done <e2e-neighbours
while read -r mac _ to _; do bridge fdb replace $mac dst $to dev $d; done <e2e-entries; rm e2e-routes e2e-neighbours e2e-entries`,
    shows: ['UDP port 4789', 'UDP port 8472'],
    // As the remedy has it, for an agent without a pod; then until the agent has created all of it.
    repair:
      'ip link del flannel.1; pkill -KILL -x flanneld; for n in $(seq 100); do ! ip -d link show flannel.1 | grep -q "dstport 8472 " || ! ip route | grep -q "dev flannel.1" || break; sleep 0.2; done',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-entry-gone',
    check: 'tunnel-entry-wrong',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `device=$(ls /sys/class/net | grep -E '^(flannel\\.|vxlan\\.calico)'); set -- $(bridge fdb show dev "$device" | grep ' dst ')
echo "MAC=$1"; bridge fdb del "$1" dev "$device"`,
    shows: ['$MAC', 'nowhere'],
    repair: 'remedy',
    when: ({ plugin }) => ['flannel', 'calico'].includes(plugin),
  },
  {
    id: 'tunnel-port-closed',
    check: 'tunnel-port-blocked',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `port=$(ip -d link show type vxlan | sed -n 's/.* dstport \\([0-9]*\\) .*/\\1/p' | head -n 1); echo "PORT=$port"; iptables -I INPUT -p udp --dport "$port" -j DROP`,
    shows: ['$PORT', 'INPUT'],
    repair: 'iptables -D INPUT -p udp --dport "$PORT" -j DROP',
    // Calico accepts the port from other nodes in a chain of its own, which is first.
    when: (platform) => platform.plugin === 'flannel' || isCilium(platform),
  },
  {
    id: 'policy-drops-tunnel',
    check: 'tunnel-port-blocked',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As hardening guides have it: a node lets through what it is known to serve.
    inject: `for rule in '-i lo' '-m conntrack --ctstate RELATED,ESTABLISHED' '-p tcp' '-p icmp'; do iptables -A INPUT $rule -j ACCEPT -m comment --comment e2e; done; iptables -P INPUT DROP`,
    shows: ['of INPUT', 'UDP port'],
    repair: 'remedy',
    cleanup: `iptables -P INPUT ACCEPT; iptables -S INPUT | sed -n '/--comment e2e\\|^-A INPUT -s [0-9./]* -p udp -m udp --dport [0-9]* -j ACCEPT$/s/^-A/-D/p' | while read -r rule; do iptables $rule; done`,
    // Calico and Cilium accept by marks and sets of their own.
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'blackhole-between-nodes',
    check: 'pods-of-node-unreachable',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `network=${routeToNode('.dst')}
echo "NETWORK=\${network%/*}/27"; ip route add blackhole "\${network%/*}/27"`,
    shows: ['blackhole', '$NETWORK'],
    repair: 'remedy',
    cleanup: 'ip route del blackhole "$NETWORK" 2>/dev/null || :',
    when: (platform) => !isAws(platform),
  },
  {
    id: 'network-over-pods-of-node',
    check: 'pods-of-node-unreachable',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    // As a container engine does that chooses a range by itself.
    inject: `network=${routeToNode('.dst')}
echo "NETWORK=\${network%/*}/27"; ip link add e2e-docker type bridge; ip addr add "$(echo "\${network%/*}" | sed 's/\\.[0-9]*$//').30/27" dev e2e-docker; ip link set e2e-docker up`,
    shows: ['e2e-docker', '$NETWORK'],
    repair: 'remedy',
    cleanup: 'ip link del e2e-docker 2>/dev/null || :',
    // Calico's blocks lie anywhere.
    when: (platform) => !isAws(platform) && !isCalico(platform),
  },
  {
    id: 'address-of-other-node-held',
    check: 'pods-of-node-unreachable',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'cluster',
    inject: `ip=$(kubectl get nodes -o json | jq -r --arg node "$NODE" '[.items[] | select(.metadata.name != $node) | .status.addresses[] | select(.type == "InternalIP").address][0]')
echo "HELD=$ip"; ${inInjector('$ip', 'ip addr add "$1/32" dev lo')}`,
    shows: ['$HELD on lo'],
    repair: 'remedy',
    cleanup: inInjector('$HELD', 'ip addr del "$1/32" dev lo 2>/dev/null || :'),
  },
  {
    id: 'route-to-node-deleted',
    check: 'route-to-node-missing',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `route=${WHOLE_ROUTE}
echo "ROUTE=$route"; echo "NETWORK=\${route%% *}"; ip route del $route`,
    shows: ['$NETWORK', 'default'],
    repair: 'remedy',
    // Agents of flannel, Calico and Cilium restore it within seconds or minutes.
    cleanup: 'ip route replace $ROUTE onlink 2>/dev/null || :',
    when: (platform) => !isAws(platform) && !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'route-to-node-blackholed',
    check: 'route-to-node-missing',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `route=${WHOLE_ROUTE}
echo "ROUTE=$route"; echo "NETWORK=\${route%% *}"; ip route del $route; ip route add blackhole "\${route%% *}"`,
    shows: ['blackhole $NETWORK'],
    repair: 'remedy',
    cleanup: '{ ip route del blackhole "$NETWORK" || :; ip route replace $ROUTE onlink || :; } 2>/dev/null',
    when: (platform) => !isAws(platform) && !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'route-to-node-misled',
    check: 'route-to-node-missing',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `route=${routeToNode('"\\(.dst) \\(.gateway) \\(.dev)"')}
set -- $route; echo "ROUTE=$1 via $2 dev $3"; echo "WRONG=\${2%.*}.77"; ip route replace "$1" via "\${2%.*}.77" dev "$3" onlink`,
    shows: ['$WRONG'],
    repair: 'remedy',
    cleanup: 'ip route replace $ROUTE onlink 2>/dev/null || :',
    when: (platform) => !isAws(platform) && !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'neighbour-of-node-wrong',
    check: 'neighbour-of-node-wrong',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'cluster',
    inject: `ip=$(kubectl get nodes -o json | jq -r --arg node "$NODE" '[.items[] | select(.metadata.name != $node)][0].status.addresses[] | select(.type == "InternalIP").address')
echo "OTHER_NODE=$ip"; ${inInjector('$ip', 'ip neigh replace "$1" lladdr 02:de:ad:00:00:02 nud permanent dev "$(ip route get "$1" | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p")"')}`,
    shows: ['$OTHER_NODE', '02:de:ad:00:00:02'],
    repair: 'remedy',
    cleanup: inInjector(
      '$OTHER_NODE',
      'ip neigh show "$1" | sed -n "s/ lladdr 02:de:ad:00:00:02 .*//p" | while read -r entry; do ip neigh del $entry; done',
    ),
  },
];
