/** Differences between two reports of a cluster. Pure. */
import { type Finding, isCounted } from '../model/finding.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';

type Heading = Pick<ClusterReport, 'runId' | 'startedAt' | 'verdict' | 'scope' | 'auditorVersion'>;

export type ReportDiff = {
  readonly before: Heading;
  readonly after: Heading;
  /** Same name, compared by the uid of kube-system. */
  readonly otherCluster: boolean;
  /** For new findings: checks that the earlier run did not have. Their faults may be old. */
  readonly newChecks: readonly string[];
  readonly appeared: readonly Finding[];
  /** As they were, with the reason they are resolved if known. */
  readonly gone: readonly Finding[];
  readonly changed: readonly { readonly before: Finding; readonly after: Finding }[];
  /** Findings in both reports. */
  readonly same: number;
  /** Nodes whose audit ended differently; null: not in that report. */
  readonly nodes: readonly {
    readonly node: string;
    readonly before: NodeCoverage['result'] | null;
    readonly after: NodeCoverage['result'] | null;
  }[];
};

/**
 * Compares active findings only: neither pending nor suppressed ones. What a partial audit does not mention
 * is unknown: it neither appeared nor disappeared.
 */
export function diff(before: ClusterReport, after: ClusterReport): ReportDiff {
  const earlier = byFingerprint(before);
  const later = byFingerprint(after);
  const resolutions = new Map(after.resolved.map((finding) => [finding.fingerprint, finding.resolution]));
  const both = [...later.values()].flatMap((now) => {
    const then = earlier.get(now.fingerprint);
    return then === undefined ? [] : [{ before: then, after: now }];
  });
  const isKnownBefore = ({ firstSeen }: Finding): boolean =>
    before.scope === 'part' && firstSeen <= before.startedAt;
  const appeared = [...later.values()].filter(
    (finding) => !earlier.has(finding.fingerprint) && !isKnownBefore(finding),
  );
  const ran = new Set(before.coverage.checks.map(({ check }) => check));
  const changed = both.filter((pair) => pair.before.severity !== pair.after.severity);
  return {
    before: heading(before),
    after: heading(after),
    otherCluster:
      before.cluster.uid !== '' && after.cluster.uid !== '' && before.cluster.uid !== after.cluster.uid,
    newChecks: [...new Set(appeared.map(({ check }) => check))].filter((check) => !ran.has(check)),
    appeared,
    gone: [...earlier.values()]
      .filter(
        ({ fingerprint }) =>
          !later.has(fingerprint) && (after.scope === 'cluster' || resolutions.has(fingerprint)),
      )
      .map((finding) => ({
        ...finding,
        resolution: resolutions.get(finding.fingerprint) ?? finding.resolution,
      })),
    changed,
    same: both.length - changed.length,
    nodes: nodeChanges(before, after),
  };
}

function byFingerprint(report: ClusterReport): Map<string, Finding> {
  return new Map(report.findings.filter(isCounted).map((finding) => [finding.fingerprint, finding]));
}

function heading({ runId, startedAt, verdict, scope, auditorVersion }: ClusterReport): Heading {
  return { runId, startedAt, verdict, scope, auditorVersion };
}

function nodeChanges(before: ClusterReport, after: ClusterReport): ReportDiff['nodes'] {
  const results = (report: ClusterReport): Map<string, NodeCoverage['result']> =>
    new Map(report.coverage.nodes.map(({ node, result }) => [node, result]));
  const [earlier, later] = [results(before), results(after)];
  const isPart = before.scope === 'part' || after.scope === 'part';
  return [...new Set([...earlier.keys(), ...later.keys()])]
    .map((node) => ({ node, before: earlier.get(node) ?? null, after: later.get(node) ?? null }))
    .filter((node) => node.before !== node.after)
    .filter((node) => !isPart || (node.before !== null && node.after !== null))
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
}
