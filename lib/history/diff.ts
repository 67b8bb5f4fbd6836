/** What is different between two reports of a cluster. Pure. */
import type { Finding } from '../model/finding.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';

export type ReportDiff = {
  readonly before: Pick<ClusterReport, 'runId' | 'startedAt' | 'verdict'>;
  readonly after: Pick<ClusterReport, 'runId' | 'startedAt' | 'verdict'>;
  readonly appeared: readonly Finding[];
  /** As they were, with why they are resolved where it is known. */
  readonly gone: readonly Finding[];
  readonly changed: readonly { readonly before: Finding; readonly after: Finding }[];
  /** Findings that are in both. */
  readonly same: number;
  /** Nodes whose audit ended differently; null: not in that report. */
  readonly nodes: readonly {
    readonly node: string;
    readonly before: NodeCoverage['result'] | null;
    readonly after: NodeCoverage['result'] | null;
  }[];
};

/** Compares what counts: neither what waits for a second observation nor what an exception covers. */
export function diff(before: ClusterReport, after: ClusterReport): ReportDiff {
  const earlier = byFingerprint(before);
  const later = byFingerprint(after);
  const resolutions = new Map(after.resolved.map((finding) => [finding.fingerprint, finding.resolution]));
  const both = [...later.values()].flatMap((now) => {
    const then = earlier.get(now.fingerprint);
    return then === undefined ? [] : [{ before: then, after: now }];
  });
  const changed = both.filter((pair) => pair.before.severity !== pair.after.severity);
  return {
    before: heading(before),
    after: heading(after),
    appeared: [...later.values()].filter((finding) => !earlier.has(finding.fingerprint)),
    gone: [...earlier.values()]
      .filter((finding) => !later.has(finding.fingerprint))
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
  const counted = report.findings.filter(
    ({ state, suppressed }) => state !== 'pending' && suppressed === null,
  );
  return new Map(counted.map((finding) => [finding.fingerprint, finding]));
}

function heading({ runId, startedAt, verdict }: ClusterReport): ReportDiff['before'] {
  return { runId, startedAt, verdict };
}

function nodeChanges(before: ClusterReport, after: ClusterReport): ReportDiff['nodes'] {
  const results = (report: ClusterReport): Map<string, NodeCoverage['result']> =>
    new Map(report.coverage.nodes.map(({ node, result }) => [node, result]));
  const [earlier, later] = [results(before), results(after)];
  return [...new Set([...earlier.keys(), ...later.keys()])]
    .map((node) => ({ node, before: earlier.get(node) ?? null, after: later.get(node) ?? null }))
    .filter((node) => node.before !== node.after)
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
}
