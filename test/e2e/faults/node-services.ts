/** Faults of what carries Services on a node, and of the cluster's DNS. */
import { type Fault, inInjector, isCilium } from './fault.ts';

/** Removes all endpoints of kube-dns, and restores them: if nothing scales it, its slices are written by hand. */
const serveDns = (yes: boolean) => `set -e
for slice in $(kubectl get endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns -o name); do
  kubectl get -n kube-system "$slice" -o json | jq '.endpoints[].conditions.ready = ${yes}' | kubectl replace -f - >/dev/null
done`;

/** Ends kube-proxy, as the remedy has it, and waits until what started it again has come so far. */
const restartProxyUntil = (condition: string): string =>
  `pkill -KILL -x kube-proxy; for n in $(seq 50); do ${condition} && break; sleep 0.2; done`;

export const serviceFaults: readonly Fault[] = [
  {
    id: 'cluster-dns-without-endpoints',
    check: 'cluster-dns-unserved',
    alone: true,
    pods: 0,
    object: { kind: 'cluster', name: 'kube-system/kube-dns' },
    where: 'cluster',
    inject: serveDns(false),
    shows: ['no ready endpoint', 'describe service -n kube-system kube-dns'],
    repair: serveDns(true),
    // The controller of a DNS that runs in pods would undo it at once.
    when: ({ dnsByHand }) => dnsByHand,
  },
  {
    id: 'cluster-dns-of-kubelet-wrong',
    check: 'node-cluster-dns-wrong',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `config=$(tr '\\0' '\\n' </proc/$(pgrep -x kubelet | head -n 1)/cmdline | sed -n 's/^--config=//p'); cp "$config" /run/e2e-kubelet; echo "CONFIG=$config"; sed 's/^clusterDNS:.*/clusterDNS: ["10.96.255.254"]/' /run/e2e-kubelet >"$config"`,
    shows: ['10.96.255.254', 'no Service'],
    repair: 'cat /run/e2e-kubelet >"$CONFIG"; rm /run/e2e-kubelet',
  },
  {
    id: 'service-rules-unreached',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'for chain in PREROUTING OUTPUT; do iptables -t nat -D $chain -m comment --comment "kubernetes service portals" -j KUBE-SERVICES; done',
    shows: ['KUBE-SERVICES', 'PREROUTING', 'OUTPUT'],
    repair: 'remedy',
    cleanup:
      'for chain in PREROUTING OUTPUT; do rule="$chain -m comment --comment services -j KUBE-SERVICES"; iptables -t nat -S $chain | grep -q -e "-j KUBE-SERVICES" || iptables -t nat -I $rule; done',
    when: (platform) => !platform.serviceMaps,
  },
  {
    id: 'nat-table-flushed',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables-save -t nat >/run/e2e-nat; iptables -t nat -F',
    shows: ['KUBE-SERVICES', 'is empty'],
    // Makes the table anew, behind those of IPv6: nft 1.0.6 then shows its targets only if it is asked for IPv4 alone.
    repair: 'iptables-restore </run/e2e-nat',
    cleanup: 'rm -f /run/e2e-nat',
    when: (platform) => platform.plugin === 'bridge' && !platform.serviceMaps,
  },
  {
    id: 'blackhole-for-services',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'cluster',
    inject: `network=$(kubectl get service -n kube-system kube-dns -o jsonpath='{.spec.clusterIP}' | sed 's/[0-9]*$/0\\/24/'); echo "NETWORK=$network"
${inInjector('$network', 'ip route add blackhole "$1"')}`,
    shows: ['blackhole', '$NETWORK'],
    repair: 'remedy',
    cleanup: inInjector('$NETWORK', 'ip route del blackhole "$1" 2>/dev/null || :'),
    // Its agent may translate the address before a route is looked up.
    when: (platform) => !isCilium(platform),
  },
  {
    id: 'dns-sent-elsewhere',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // Queries by UDP go on.
    inject: `address=$(iptables -t nat -S KUBE-SERVICES | sed -n 's/.* -d \\([0-9.]*\\)\\/32 .*kube-dns:dns-tcp cluster IP.*/\\1/p' | head -n 1)
iptables -t nat -I PREROUTING -d "$address" -p tcp --dport 53 -j DNAT --to-destination 192.0.2.53:53`,
    shows: ['192.0.2.53', 'PREROUTING'],
    repair: 'remedy',
    cleanup:
      "iptables -t nat -S PREROUTING | sed -n 's/^-A \\(.*192.0.2.53.*\\)/\\1/p' | while read -r rule; do iptables -t nat -D $rule; done",
    // Its agent may translate the address before.
    when: (platform) => !platform.serviceMaps && !isCilium(platform),
  },
  {
    id: 'masquerade-of-services-unreached',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'iptables -t nat -D POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    shows: ['KUBE-POSTROUTING', 'POSTROUTING'],
    repair: 'remedy',
    cleanup:
      'iptables -t nat -S POSTROUTING | grep -q -e "-j KUBE-POSTROUTING" || iptables -t nat -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    when: (platform) => !platform.serviceMaps,
  },
  {
    id: 'service-rules-of-dead-endpoint',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `sep=$(iptables -t nat -S | sed -n 's/^-A \\(KUBE-SEP-[A-Z0-9]*\\) .*"kube-system.kube-dns:dns".*DNAT.*/\\1/p' | head -n 1)
iptables -t nat -R "$sep" 2 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp -j DNAT --to-destination 10.244.77.53:53`,
    shows: ['10.244.77.53', 'kube-system/kube-dns'],
    repair: restartProxyUntil('! iptables -t nat -S | grep -q 10.244.77.53'),
    when: (platform) => !platform.serviceMaps,
  },
  {
    id: 'service-chain-flushed',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `chain=$(iptables -t nat -S KUBE-SERVICES | sed -n 's/.*kube-dns:dns-tcp cluster IP.* -j \\(KUBE-SVC-[A-Z0-9]*\\)$/\\1/p' | head -n 1); echo "CHAIN=$chain"
iptables -t nat -F "$chain"`,
    shows: ['$CHAIN', 'lead to no endpoint'],
    repair: restartProxyUntil('iptables -t nat -S "$CHAIN" | grep -q -e "-j KUBE-SEP"'),
    when: (platform) => !platform.serviceMaps,
  },
  {
    id: 'service-rule-deleted',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `rule=$(iptables -t nat -S KUBE-SERVICES | sed -n 's/^-A \\(.*kube-dns:dns-tcp cluster IP.*\\)/\\1/p' | head -n 1); echo "CHAIN=\${rule##* }"
eval "iptables -t nat -D $rule"`,
    shows: ['$CHAIN', 'No rule leads to'],
    repair: restartProxyUntil('iptables -t nat -S KUBE-SERVICES | grep -q -e "-j $CHAIN"'),
    when: (platform) => !platform.serviceMaps,
  },
  {
    id: 'service-element-deleted',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `address=$(nft list map ip kube-proxy service-ips | sed -n 's/.*[^0-9.]\\([0-9.]*\\) \\. tcp \\. 53 .*/\\1/p' | head -n 1)
nft delete element ip kube-proxy service-ips "{ $address . tcp . 53 }"`,
    shows: ['No rule leads to', 'kube-system/kube-dns:dns-tcp'],
    repair: restartProxyUntil("nft list map ip kube-proxy service-ips | grep -q ' tcp . 53 '"),
    when: (platform) => platform.serviceMaps,
  },
  {
    id: 'service-map-unreached',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'nft flush chain ip kube-proxy nat-prerouting',
    shows: ['nat-prerouting', 'services'],
    repair: restartProxyUntil("nft list chain ip kube-proxy nat-prerouting | grep -q 'jump services'"),
    when: (platform) => platform.serviceMaps,
  },
  {
    id: 'ruleset-flushed',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // As `systemctl restart nftables` does. kube-proxy in its other mode sees it within half a minute.
    // nft cannot read what it prints of the extensions of iptables, which agents use.
    inject: 'for ip in ip ip6; do ${ip}tables-save >/run/e2e-$ip; done; nft flush ruleset',
    shows: ['not one of its chains'],
    repair: `for ip in ip ip6; do \${ip}tables-restore </run/e2e-$ip; done; ${restartProxyUntil('nft list map ip kube-proxy service-ips 2>/dev/null | grep -q goto')}`,
    cleanup: 'rm -f /run/e2e-ip /run/e2e-ip6',
    when: (platform) => platform.serviceMaps,
  },
  {
    id: 'service-map-of-dead-endpoint',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `chain=$(nft list ruleset | awk '/^\\tchain service-.*kube-dns\\/udp\\/dns / { print $2; exit }')
nft "flush chain ip kube-proxy $chain; add rule ip kube-proxy $chain meta l4proto udp dnat to 10.244.77.53:53"`,
    shows: ['10.244.77.53', 'kube-system/kube-dns'],
    repair: restartProxyUntil('! nft list ruleset | grep -q 10.244.77.53'),
    when: (platform) => platform.serviceMaps,
  },
  {
    id: 'kube-proxy-stopped',
    check: 'kube-proxy-gone',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // Where it runs as a process of the node, whatever would restart it is stopped first.
    inject:
      'pid=$(pgrep -x kube-proxy | head -n 1); loop=$(awk \'{ print $4 }\' /proc/$pid/stat); echo "LOOP=$loop"; kill -STOP $loop; kill -9 $pid',
    shows: ['kube-proxy', '$NODE'],
    repair:
      'kill -CONT $LOOP; for n in $(seq 50); do ! pgrep -x kube-proxy >/dev/null || break; sleep 0.2; done',
    // Its agent may replace kube-proxy.
    when: (platform) => !isCilium(platform),
  },
];
