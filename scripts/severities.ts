/** docs/severities.md: what pods or nodes lose by each fault, which is what its severity follows from. */
import { catalogue } from '../lib/checks/catalogue.ts';
import type { Severity } from '../lib/model/severity.ts';

type Loss = {
  readonly severity: Severity;
  readonly lost: string;
  /** Ids of checks; the order in the page is that of the catalogue. */
  readonly checks: readonly string[];
};

/** Worst first. A check is in one of them; its page says in brackets when a case is worse or milder. */
export const losses: readonly Loss[] = [
  {
    severity: 'critical',
    lost: 'the whole network of a pod',
    checks: [
      'pod-interface-missing',
      'pod-interface-down',
      'veth-peer-missing',
      'veth-host-side-down',
      'veth-bridge-detached',
      'pod-address-missing',
      'pod-address-mismatch',
      'pod-address-wrong-subnet',
      'pod-address-foreign',
      'pod-default-route-missing',
      'pod-gateway-neighbour-wrong',
      'pod-ttl-too-small',
      'pod-routing-incomplete',
      'host-route-missing',
      'host-route-misdirected',
      'host-network-pod-isolated',
      'sandbox-missing',
      'aws-rule-missing',
      'aws-vlan-missing',
      'node-firewall-drops-pod',
      'node-ipsec-drops-pod',
      'pod-firewall-blocks-all',
      'pod-ipsec-blocks',
      'node-neighbour-wrong',
      'bridge-entry-wrong',
      'pod-unrouted-inbound',
      'pod-unrouted-outbound',
      'node-to-pod-unreachable',
      'pod-to-gateway-unreachable',
    ],
  },
  {
    severity: 'critical',
    lost: 'the way of all pods of a node to others, to Services or to the cluster DNS',
    checks: [
      'bridge-address-stale',
      'node-forwarding-disabled',
      'aws-eni-table-incomplete',
      'aws-mark-incomplete',
      'node-firewall-drops',
      'service-rules-detached',
      'tunnel-port-blocked',
      'node-tunnel-broken',
      'tunnel-entry-wrong',
      'tunnel-settings-differ',
      'node-bridge-broken',
      'gateway-link-broken',
      'node-link-program-missing',
      'foreign-routing-rules',
      'pods-of-node-unreachable',
      'route-to-node-missing',
      'neighbour-of-node-wrong',
      'cross-node-unreachable',
      'cluster-dns-unserved',
    ],
  },
  {
    severity: 'critical',
    lost: 'new pods on the node',
    checks: [
      'namespaces-dying',
      'namespace-creation-failing',
      'runtime-network-not-ready',
      'cni-agent-down',
      'cni-config-invalid',
      'cni-plugin-missing',
      'cni-subnet-file-wrong',
      'cni-add-failing',
      'kernel-unregister-netdevice',
      'kernel-netns-hung',
      'kernel-network-bug',
    ],
  },
  {
    severity: 'critical',
    lost: 'the isolation of a pod',
    checks: [
      'pod-address-duplicate',
      'pod-in-host-network',
      'pods-share-network',
      'pod-network-split',
      'pod-sees-host-processes',
    ],
  },
  {
    severity: 'high',
    lost: 'part of the traffic',
    checks: [
      'pod-loopback-down',
      'node-loopback-down',
      'pod-neighbour-wrong',
      'pod-secondary-interface-missing',
      'host-interface-in-pod',
      'pod-gateway-route-missing',
      'pod-route-blackhole',
      'cni-endpoint-missing',
      'mesh-rules-missing',
      'kube-proxy-gone',
      'service-rules-stale',
      'masquerade-rules-detached',
      'host-port-unserved',
      'link-arp-ignored',
      'link-program-unexpected',
      'link-program-missing',
      'node-link-program-unexpected',
      'pod-mac-duplicate',
      'bridge-filter-disabled',
      'node-default-route-missing',
      'pod-dns-failing',
      'node-cluster-dns-wrong',
      'resolv-conf-missing',
      'resolv-conf-unexpected',
      'node-resolv-conf-loop',
      'neighbour-table-near-full',
      'conntrack-near-full',
    ],
  },
  {
    severity: 'high',
    lost: 'nothing yet; next a pod, or all new pods',
    checks: [
      'veth-peer-mismatch',
      'namespace-pin-invalid',
      'namespace-pin-shadowed',
      'namespace-pin-missing',
      'namespace-mounts-near-limit',
      'namespace-count-near-limit',
      'sandbox-process-dead',
      'runtime-namespace-path-invalid',
      'cni-config-order',
      'ipam-unrecorded',
      'ipam-conflict',
      'ipam-near-exhausted',
    ],
  },
  {
    severity: 'high',
    lost: 'the start or the end of one pod',
    checks: ['sandbox-duplicated', 'sandbox-ghost', 'sandbox-stuck-terminating', 'sandbox-create-failing'],
  },
  {
    severity: 'medium',
    lost: 'some requests',
    checks: [
      'pod-mtu-mismatch',
      'node-mtu-too-small',
      'pod-link-losing',
      'bridge-port-flags-wrong',
      'firewall-backends-mixed',
      'sandbox-recreated-repeatedly',
    ],
  },
  {
    severity: 'medium',
    lost: 'nothing yet; a leftover',
    checks: [
      'veth-orphaned',
      'host-route-stale',
      'namespace-orphaned',
      'namespace-hidden',
      'namespace-mount-propagation',
      'sandbox-stale',
      'cni-endpoint-stale',
      'ipam-leaked',
      'ipam-corrupt',
      'aws-rule-leaked',
      'aws-rule-detached',
      'sandbox-kill-failing',
      'debug-pod-leftover',
    ],
  },
  {
    severity: 'low',
    lost: 'nothing',
    checks: [
      'namespace-held',
      'namespace-pinned-elsewhere',
      'pod-firewall-unexpected',
      'kernel-known-bad',
      'exception-expired',
      'exception-unused',
    ],
  },
];

/**
 * The text of docs/severities.md.
 * @param pageOf - the page of a check, whose third line says in brackets when a case is worse or milder
 */
export function severitiesPage(pageOf: (id: string) => string): string {
  const rows = catalogue.map(({ id }) => {
    const severity = /^Severity: (.+?) · /m.exec(pageOf(id))?.[1] ?? '';
    const loss = losses.find(({ checks }) => checks.includes(id));
    return `| [${id}](checks/${id}.md) | ${severity} | ${loss?.lost ?? ''} |`;
  });
  return `# Severities

Made by \`npm run generate\` from the catalogue and \`scripts/severities.ts\`. Do not edit it.

A severity says what pods and nodes lose, whatever the cause and however certain the finding is (that is its confidence).

- **Critical**: something is lost as a whole. A running pod has no network, or reaches nothing beyond its node; one lost direction counts, as no
  connection works without answers. Or all pods of a node lost their way to Services, to the cluster DNS or to the pods of another node. Or no
  new pod can start on the node. Or a pod is in the network of another pod or of the node.
- **High**: a part is lost (some destinations, a port, name resolution, what leaves the cluster, packets at random), or one pod cannot start or
  end. Or nothing is lost yet, but the next restart, start or deletion of a pod breaks it, or a limit is near at which new pods fail.
- **Medium**: some requests fail, such as large ones. Or something is left over that adds up, or disturbs the next pod that gets its name or
  address.
- **Low**: nothing is lost, but something is untidy or out of date, or should be looked at.

| check | severity | what is lost |
|---|---|---|
${rows.join('\n')}
`;
}
