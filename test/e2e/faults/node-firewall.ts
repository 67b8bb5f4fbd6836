/** Faults of a node's packet filters. */
import { baseChain } from '../firewalld.ts';
import { type Fault, isAws, isBridge, isFilteredByIptables, isForwardedByKernel } from './fault.ts';

/** Sets LINK, the bridge or the links of all pods, as iptables writes them. */
const linksOfPods = `link=$(ip route get "$IP" | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p"); case $link in cni0) ;; *) link=$(echo "$link" | sed 's/[0-9a-f]*$//')+ ;; esac
echo "LINK=$link"`;

export const firewallFaults: readonly Fault[] = [
  {
    id: 'host-port-of-dead-pod',
    check: 'host-port-unserved',
    container: { ports: [{ containerPort: 80, hostPort: 18088 }] },
    where: 'node',
    inject:
      'iptables -t nat -N CNI-DN-0e2e00000000000000000; iptables -t nat -A CNI-DN-0e2e00000000000000000 -p tcp --dport 18088 -j DNAT --to-destination 192.0.2.9:80; iptables -t nat -I CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 18088 -j CNI-DN-0e2e00000000000000000',
    shows: ['18088/tcp', 'CNI-DN-0e2e00000000000000000'],
    repair:
      'iptables -t nat -D CNI-HOSTPORT-DNAT 1; iptables -t nat -F CNI-DN-0e2e00000000000000000; iptables -t nat -X CNI-DN-0e2e00000000000000000',
    when: (platform) => isForwardedByKernel(platform) && platform.plugins.includes('portmap'),
  },
  {
    id: 'chain-of-dead-pod-rejects',
    check: 'node-firewall-drops-pod',
    where: 'node',
    inject:
      'iptables -N E2E-POD-FW; iptables -A E2E-POD-FW -j REJECT; iptables -I FORWARD -d "$IP" -m comment --comment "POD name:gone" -j E2E-POD-FW',
    shows: ['$IP', 'E2E-POD-FW'],
    repair: 'remedy',
    cleanup: 'iptables -F E2E-POD-FW; iptables -X E2E-POD-FW',
    when: isForwardedByKernel,
  },
  {
    id: 'nftables-drops-pod',
    check: 'node-firewall-drops-pod',
    where: 'node-network',
    inject:
      'nft add table inet e2e; nft add chain inet e2e guard "{ type filter hook forward priority 0; }"; nft add rule inet e2e guard ip daddr "$IP" drop',
    shows: ['$IP', 'nftables'],
    repair: 'remedy',
    cleanup: 'nft delete table inet e2e 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'chain-of-link-drops',
    check: 'node-firewall-drops-pod',
    where: 'node-network',
    inject: `nft add table netdev e2e; nft add chain netdev e2e guard "{ type filter hook ingress device \\"$HOST_LINK\\" priority 0; policy drop; }"`,
    shows: ['$HOST_LINK', 'policy drop'],
    repair: 'remedy',
    cleanup: 'nft delete table netdev e2e 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'ipsec-drops-pod',
    check: 'node-ipsec-drops-pod',
    where: 'node-network',
    inject: 'ip xfrm policy add dst "$IP" dir fwd action block',
    shows: ['$IP', 'block'],
    repair: 'remedy',
    cleanup: 'ip xfrm policy delete dst "$IP" dir fwd 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'rules-in-both-backends',
    check: 'firewall-backends-mixed',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // A chain to which nothing leads; chains of kube-proxy or the plugin are in the node's own backend.
    inject: `case $(iptables --version) in *legacy*) other=iptables-nft ;; *) other=iptables-legacy ;; esac
echo "OTHER=$other"; $other -t nat -N CNI-E2E; $other -t nat -A CNI-E2E -j RETURN`,
    shows: ['CNI-E2E'],
    repair: '$OTHER -t nat -F CNI-E2E; $OTHER -t nat -X CNI-E2E',
  },
  {
    id: 'forward-policy-drop',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -P FORWARD DROP',
    shows: ['of FORWARD'],
    repair: 'remedy',
    cleanup: 'iptables -P FORWARD ACCEPT',
    // Calico and flannel accept pods with their own rules.
    when: ({ plugin }) => ['bridge', 'ptp', 'aws-cni'].includes(plugin),
  },
  {
    id: 'tcp-of-pods-rejected',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -I FORWARD -p tcp -j REJECT',
    shows: ['all TCP that pods send', 'FORWARD'],
    repair: 'remedy',
    cleanup: 'while iptables -D FORWARD -p tcp -j REJECT 2>/dev/null; do :; done',
    when: isFilteredByIptables,
  },
  {
    id: 'dns-of-pods-dropped',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -I FORWARD -p udp --dport 53 -j DROP',
    shows: ['DNS queries that pods send', 'FORWARD'],
    repair: 'remedy',
    cleanup: 'while iptables -D FORWARD -p udp --dport 53 -j DROP 2>/dev/null; do :; done',
    when: isFilteredByIptables,
  },
  {
    id: 'pods-untracked',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -t raw -A PREROUTING -s "${IP%.*.*}.0.0/16" -j NOTRACK; echo "PODS=${IP%.*.*}.0.0/16"',
    shows: ['out of connection tracking', 'PREROUTING'],
    repair: 'remedy',
    cleanup: 'iptables -t raw -D PREROUTING -s "$PODS" -j NOTRACK 2>/dev/null || :',
    when: isFilteredByIptables,
  },
  {
    id: 'packets-of-node-dropped',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `${linksOfPods}; iptables -I OUTPUT -o "$link" -j DROP`,
    shows: ['what the node sends to its pods', 'OUTPUT'],
    repair: 'remedy',
    cleanup: 'while iptables -D OUTPUT -o "$LINK" -j DROP 2>/dev/null; do :; done',
    when: isFilteredByIptables,
  },
  {
    id: 'nftables-drops-between-pods',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `pods=\${IP%.*.*}.0.0/16; nft add table inet e2e; nft add chain inet e2e early '{ type filter hook prerouting priority -310; }'
nft add rule inet e2e early ip saddr "$pods" ip daddr "$pods" counter drop`,
    shows: ['what pods send to pods of other nodes', 'inet e2e', 'early'],
    repair: 'remedy',
    cleanup: 'nft delete table inet e2e 2>/dev/null || :',
    // On AWS nothing tells addresses of other nodes' pods from others.
    when: (platform) => isForwardedByKernel(platform) && !isAws(platform),
  },
  {
    id: 'firewalld-refuses-pods',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As firewalld begins: its only zone has the uplink, and refuses what comes in by it for pods.
    inject: `nft -f - <<'RULES'
table inet firewalld {
  ${baseChain('FORWARD')}
  chain filter_FORWARD_ZONES { iifname "eth0" goto filter_FWD_public; goto filter_FWD_public; }
  chain filter_FWD_public { jump filter_FWD_public_allow; reject with icmpx admin-prohibited; }
  chain filter_FWD_public_allow { oifname "eth0" accept; }
}
RULES`,
    shows: ['what pods of other nodes send', 'inet firewalld'],
    repair: 'remedy',
    cleanup: 'nft delete table inet firewalld 2>/dev/null || :',
    // Without a tunnel: to pods of other nodes by the uplink.
    when: ({ plugin }) => plugin === 'bridge' || plugin === 'ptp',
  },
  {
    id: 'netdev-drops-between-pods',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `pods=\${IP%.*.*}.0.0/16; link=$(ip -j link show "$HOST_LINK" | jq -r '.[0].master'); nft add table netdev e2e
nft add chain netdev e2e early "{ type filter hook ingress device $link priority 0; }"; nft add rule netdev e2e early ip saddr "$pods" ip daddr "$pods" drop`,
    shows: ['what pods send to pods of other nodes', 'netdev e2e'],
    repair: 'remedy',
    cleanup: 'nft delete table netdev e2e 2>/dev/null || :',
    when: isBridge,
  },
  {
    id: 'pods-beside-dropped',
    check: 'node-firewall-drops',
    pods: 2,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `${linksOfPods}; iptables -I FORWARD -i "$link" -o "$link" -j DROP`,
    shows: ['what pods send to other pods of the node', 'FORWARD'],
    repair: 'remedy',
    cleanup: 'while iptables -D FORWARD -i "$LINK" -o "$LINK" -j DROP 2>/dev/null; do :; done',
    when: isFilteredByIptables,
  },
  {
    id: 'frames-of-bridge-dropped',
    check: 'node-firewall-drops',
    pods: 2,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As `ebtables -P FORWARD DROP` does.
    inject: `nft add table bridge e2e; nft add chain bridge e2e FORWARD '{ type filter hook forward priority -200; policy drop; }'`,
    shows: ['what pods send to other pods of the node', 'bridge e2e'],
    repair: 'remedy',
    cleanup: 'nft delete table bridge e2e 2>/dev/null || :',
    when: isBridge,
  },
  {
    id: 'arp-of-pods-dropped',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As arptables-nft writes it.
    inject: `${linksOfPods}; nft add table arp e2e; nft add chain arp e2e INPUT '{ type filter hook input priority 0; }'
nft add rule arp e2e INPUT iifname ""$(echo "$link" | tr + '*')"" arp htype 1 arp hlen 6 arp plen 4 counter drop`,
    shows: ['ARP packets of pods', 'arp e2e'],
    repair: 'remedy',
    cleanup: 'nft delete table arp e2e 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'packets-lost-at-random',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -I FORWARD -m statistic --mode random --probability 0.9 -j DROP',
    shows: ['a part of what pods send', 'FORWARD'],
    repair: 'remedy',
    cleanup:
      'while iptables -D FORWARD -m statistic --mode random --probability 0.9 -j DROP 2>/dev/null; do :; done',
    when: isFilteredByIptables,
  },
  {
    id: 'masquerade-unreached',
    check: 'masquerade-rules-detached',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `iptables -t nat -S POSTROUTING | sed -n 's/^-A \\(.*-j AWS-SNAT-CHAIN-0\\)$/-t nat -D \\1/p' | xargs -r iptables`,
    shows: ['AWS-SNAT-CHAIN-0', 'POSTROUTING'],
    repair: 'remedy',
    // Agents of flannel, Calico and Cilium look after theirs every few seconds; bridge and ptp masquerade by a chain for each pod.
    when: isAws,
  },
  {
    id: 'source-of-pods-wrong',
    check: 'masquerade-rules-detached',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As an address that the node had before.
    inject: `own=$(ip route get 198.51.100.1 | sed -n 's/.* src \\([0-9.]*\\).*/\\1/p'); echo "SOURCE=\${own%.*}.253"
iptables -t nat -I POSTROUTING -s "\${IP%.*.*}.0.0/16" ! -d "\${IP%.*.*}.0.0/16" -j SNAT --to-source "\${own%.*}.253"`,
    shows: ['$SOURCE', 'POSTROUTING'],
    repair: 'remedy',
    cleanup:
      'while iptables -t nat -D POSTROUTING -s "${IP%.*.*}.0.0/16" ! -d "${IP%.*.*}.0.0/16" -j SNAT --to-source "$SOURCE" 2>/dev/null; do :; done',
    when: isForwardedByKernel,
  },
  {
    id: 'masquerade-of-pod-flushed',
    check: 'masquerade-rules-detached',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As the plugin names them; that of the cluster has no ipMasq.
    inject:
      'chain=CNI-0e2e00000000000000000000; echo "CHAIN=$chain"; iptables -t nat -N $chain; iptables -t nat -A POSTROUTING -s "$IP/32" -m comment --comment e2e -j $chain',
    shows: ['$CHAIN', '$POD'],
    repair: 'remedy',
    cleanup:
      'iptables -t nat -D POSTROUTING -s "$IP/32" -m comment --comment e2e -j "$CHAIN"; iptables -t nat -F "$CHAIN"; iptables -t nat -X "$CHAIN"',
    when: ({ plugin }) => ['bridge', 'ptp'].includes(plugin),
  },
];
