/** Faults that only packets show: nothing configured is wrong. Found with --active ping,dns. */
import { type Fault, hasSubnet, inInjector, isAws, isCalico } from './fault.ts';

/** For victims on two nodes. */
const onTwoNodes = (id: string) => ({
  nodeSelector: {},
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { fault: id } } },
      ],
    },
  },
});

/** Drops what pods of the other node send to pods of this one, before any rule that an audit reads. */
export const crossFaults: readonly Fault[] = [
  {
    id: 'pods-of-nodes-apart',
    check: 'cross-node-unreachable',
    pods: 2,
    podSpec: onTwoNodes('pods-of-nodes-apart'),
    object: { kind: 'node', name: '$OTHER_NODE' },
    where: 'cluster',
    // The addresses of nodes on bridges and in flannel's tunnels are the first ones of their ranges; Calico's lie among the pods'.
    inject: `tunnel=$(kubectl get node "$OTHER_NODE" -o json | jq -r '.metadata.annotations["projectcalico.org/IPv4VXLANTunnelAddr"] // ""')
rule="PREROUTING \${tunnel:+! -s $tunnel} -m iprange --src-range \${OTHER_IP%.*}.2-\${OTHER_IP%.*}.254 -d \${IP%.*}.0/24 -j DROP"
echo "RULE=$rule"; ${inInjector('$rule', 'iptables -t raw -I $1')}`,
    shows: ['$IP', '$OTHER_IP', 'come as far as $OTHER_NODE', 'where $NODE receives them'],
    repair: inInjector('$RULE', 'iptables -t raw -D $1'),
    when: (platform) => hasSubnet(platform) || isCalico(platform),
  },
  {
    // A router between the nodes may be the last to answer; nodes have no address among those of pods.
    id: 'pods-of-routed-nodes-apart',
    check: 'cross-node-unreachable',
    pods: 2,
    podSpec: onTwoNodes('pods-of-routed-nodes-apart'),
    object: { kind: 'node', name: '$OTHER_NODE' },
    where: 'cluster',
    inject: `rule="PREROUTING -s \${OTHER_IP%.*}.0/24 -d \${IP%.*}.0/24 -j DROP"
echo "RULE=$rule"; ${inInjector('$rule', 'iptables -t raw -I $1')}`,
    shows: ['$IP', '$OTHER_IP', 'on $OTHER_NODE gets no answer from', 'on $NODE: '],
    repair: inInjector('$RULE', 'iptables -t raw -D $1'),
    when: isAws,
  },
];

export const connectivityFaults: readonly Fault[] = [
  {
    id: 'arp-unanswered',
    check: 'node-to-pod-unreachable',
    where: 'node-network',
    // A pod that asks for its gateway tells the node its MAC thereby: this one knows its gateway's for good.
    inject: `mac=$(cat "/sys/class/net/$(ip route get "$IP" | sed -n 's/.* dev \\([^ ]*\\) .*/\\1/p')/address")
nsenter --net="/proc/$PID/ns/net" ip neigh replace "$GATEWAY" lladdr "$mac" dev eth0 nud permanent
nft add table netdev netns_audit_arp
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
