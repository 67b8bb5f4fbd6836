/**
 * One cause, one finding: a symptom that a known cause explains is shown as part of it. The symptom stays a
 * separate finding in lifecycle, thresholds and NDJSON; only its display changes.
 */
import { crossNodeUnreachable } from '../checks/connectivity/cross-node-unreachable.ts';
import { BROKEN_WAYS, explainsSilence } from '../checks/cross-causes.ts';
import { type Finding, isCounted, nodeOf } from '../model/finding.ts';

/** Where a finding is, by how far its cause may be away. */
const placeOf = {
  'same cluster': () => '',
  'same node': nodeOf,
  'same pod': podOf,
} as const satisfies Record<string, (finding: Finding) => string>;

type Rule = {
  /** Checks whose finding explains the symptoms. */
  readonly causes: readonly string[];
  readonly symptoms: readonly string[];
  /** How cause and symptom belong together. */
  readonly on: keyof typeof placeOf;
  /** Whether this finding of a cause does; without it each does. */
  readonly explains?: (cause: Finding) => boolean;
};

/** The first rule that fits wins, so deeper causes come first. */
export const rules: readonly Rule[] = [
  {
    causes: ['veth-host-side-down', 'pod-interface-down', 'pod-mtu-mismatch'],
    symptoms: ['pod-link-losing'],
    on: 'same pod',
  },
  {
    // cleanup_net holds the lock that creation, deletion and the runtime's own calls wait for (moby#5618).
    causes: ['kernel-netns-hung', 'kernel-unregister-netdevice'],
    symptoms: [
      'namespaces-dying',
      'namespace-creation-failing',
      'sandbox-stuck-terminating',
      'sandbox-kill-failing',
      'sandbox-create-failing',
      'cni-add-failing',
    ],
    on: 'same node',
  },
  {
    causes: ['namespace-creation-failing', 'namespace-count-near-limit', 'namespace-mounts-near-limit'],
    symptoms: ['sandbox-create-failing', 'cni-add-failing'],
    on: 'same node',
  },
  {
    // The agent installs binary and configuration, and most plugins ask it for each pod.
    causes: ['cni-agent-down'],
    symptoms: [
      'cni-plugin-missing',
      'cni-config-invalid',
      'cni-subnet-file-wrong',
      'runtime-network-not-ready',
      'sandbox-create-failing',
      'sandbox-kill-failing',
      'sandbox-stuck-terminating',
      'cni-add-failing',
      'host-route-missing',
    ],
    on: 'same node',
  },
  {
    causes: ['cni-plugin-missing', 'cni-config-invalid', 'cni-subnet-file-wrong'],
    symptoms: [
      'runtime-network-not-ready',
      'sandbox-create-failing',
      'sandbox-kill-failing',
      'sandbox-stuck-terminating',
      'cni-add-failing',
    ],
    on: 'same node',
  },
  {
    causes: ['runtime-network-not-ready', 'bridge-address-stale', 'ipam-near-exhausted'],
    symptoms: ['sandbox-create-failing', 'cni-add-failing'],
    on: 'same node',
  },
  {
    causes: ['cluster-dns-unserved'],
    symptoms: ['pod-dns-failing'],
    on: 'same cluster',
  },
  {
    // Whatever flushes the rules of pods, or table nat, flushes these too.
    causes: ['aws-rule-missing', 'service-rules-detached'],
    symptoms: ['aws-mark-incomplete'],
    on: 'same node',
  },
  {
    // The kernel drops the routes of a device that goes down.
    causes: ['node-tunnel-broken'],
    symptoms: ['route-to-node-missing'],
    on: 'same node',
  },
  {
    // All of the agent's programs go with the file system in which it pins them.
    causes: ['node-link-program-missing'],
    symptoms: ['link-program-missing'],
    on: 'same node',
  },
  {
    causes: ['gateway-link-broken', 'node-link-program-missing'],
    symptoms: [
      'route-to-node-missing',
      'node-to-pod-unreachable',
      'pod-to-gateway-unreachable',
      'pod-dns-failing',
    ],
    on: 'same node',
  },
  {
    causes: ['node-bridge-broken'],
    symptoms: [
      'node-to-pod-unreachable',
      'pod-to-gateway-unreachable',
      'pod-dns-failing',
      'pod-link-losing',
      'sandbox-create-failing',
      'cni-add-failing',
    ],
    on: 'same node',
  },
  {
    causes: BROKEN_WAYS,
    symptoms: [crossNodeUnreachable.id],
    on: 'same node',
    explains: explainsSilence,
  },
  {
    causes: [
      'node-tunnel-broken',
      'tunnel-entry-wrong',
      'tunnel-settings-differ',
      'node-default-route-missing',
      'node-firewall-drops',
      'node-forwarding-disabled',
      'foreign-routing-rules',
      'pods-of-node-unreachable',
      'route-to-node-missing',
      'service-rules-stale',
      'kube-proxy-gone',
    ],
    symptoms: ['pod-dns-failing', 'pod-to-gateway-unreachable'],
    on: 'same node',
  },
  {
    causes: [crossNodeUnreachable.id],
    symptoms: ['pod-dns-failing'],
    on: 'same node',
  },
  {
    causes: [
      'pod-interface-missing',
      'pod-interface-down',
      'pod-address-missing',
      'pod-address-mismatch',
      'pod-address-duplicate',
      'pod-address-foreign',
      'pod-default-route-missing',
      'pod-gateway-route-missing',
      'pod-gateway-neighbour-wrong',
      'pod-ttl-too-small',
      'pod-route-blackhole',
      'host-route-missing',
      'host-route-misdirected',
      'node-neighbour-wrong',
      'bridge-entry-wrong',
      'link-program-unexpected',
      'node-firewall-drops-pod',
      'node-ipsec-drops-pod',
      'pod-unrouted-inbound',
      'pod-unrouted-outbound',
      'pod-mac-duplicate',
      'veth-peer-missing',
      'veth-peer-mismatch',
      'veth-host-side-down',
      'veth-bridge-detached',
      'pod-firewall-blocks-all',
      'pod-ipsec-blocks',
      'pod-in-host-network',
      'pods-share-network',
      'pod-network-split',
    ],
    symptoms: ['node-to-pod-unreachable', 'pod-to-gateway-unreachable', 'pod-dns-failing'],
    on: 'same pod',
  },
];

/** Sets `partOf` and `children` among findings of one cluster. */
export function correlate(findings: readonly Finding[]): Finding[] {
  // Thousands of nodes with one fault are as many causes: only those in the symptom's own place are checked.
  const within = (on: Rule['on']) =>
    Map.groupBy(findings.filter(isCounted), (finding) => `${finding.check}|${placeOf[on](finding)}`);
  const byPlace = {
    'same cluster': within('same cluster'),
    'same node': within('same node'),
    'same pod': within('same pod'),
  };
  const causeOf = new Map<string, string>();
  for (const finding of findings) {
    if (!isCounted(finding)) continue;
    const cause = rules
      .filter((rule) => rule.symptoms.includes(finding.check))
      .flatMap(({ on, causes, explains = () => true }) =>
        causes.map((check) =>
          byPlace[on]
            .get(`${check}|${placeOf[on](finding)}`)
            ?.find((each) => (on !== 'same pod' || each.object.kind === 'pod') && explains(each)),
        ),
      )
      .find((each) => each !== undefined);
    if (cause !== undefined) causeOf.set(finding.fingerprint, cause.fingerprint);
  }
  const root = (fingerprint: string): string => {
    const above = causeOf.get(fingerprint);
    return above === undefined ? fingerprint : root(above);
  };
  const children = Map.groupBy([...causeOf.keys()], (fingerprint) => root(fingerprint));
  return findings.map((finding) => ({
    ...finding,
    partOf: causeOf.has(finding.fingerprint) ? root(finding.fingerprint) : null,
    children: children.get(finding.fingerprint) ?? [],
  }));
}

/** With its node: another node may name a pod that it does not have. */
function podOf({ object }: Finding): string {
  return `${object.node ?? ''}|${object.namespace ?? ''}/${object.name}`;
}
