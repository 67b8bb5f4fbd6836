/** A finding through time: pending, new, open, resolved. Pure; one report and the next observations in, findings out. */

import type { Finding } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';

/** A fault as this run saw it, before it is compared with earlier ones. */
export type Observation = Pick<
  Finding,
  | 'fingerprint'
  | 'check'
  | 'topic'
  | 'severity'
  | 'confidence'
  | 'object'
  | 'title'
  | 'detail'
  | 'evidence'
  | 'remedy'
> & {
  /** Runs that must see it before it counts. */
  readonly observations: 1 | 2;
};

/** What this run can say of an earlier finding that it did not see again. */
export type Reexamination =
  | { readonly result: 'passed' }
  | { readonly result: 'gone'; readonly reason: string }
  | { readonly result: 'notExamined' };

export type Comparison = { readonly findings: Finding[]; readonly resolved: Finding[] };

/**
 * Compares what was observed with the previous report. Only what was examined again and passed, or whose object is
 * gone, is resolved; the rest stays open and says `notSeen`.
 *
 * @param waiveConfirmation - no second observation can be waited for: report at once, at most as probable
 */
export function compare(
  previous: Pick<ClusterReport, 'findings' | 'resolved'> | null,
  observed: readonly Observation[],
  at: string,
  reexamine: (finding: Finding) => Reexamination,
  waiveConfirmation: boolean,
): Comparison {
  const earlier = new Map((previous?.findings ?? []).map((finding) => [finding.fingerprint, finding]));
  const justResolved = new Map((previous?.resolved ?? []).map((finding) => [finding.fingerprint, finding]));
  const findings: Finding[] = [];
  const resolved: Finding[] = [];
  const seen = new Set<string>();
  for (const { observations, ...observation } of observed) {
    if (seen.has(observation.fingerprint)) continue;
    seen.add(observation.fingerprint);
    const before = earlier.get(observation.fingerprint);
    const returned = before === undefined ? justResolved.get(observation.fingerprint) : undefined;
    const known = before ?? returned;
    const waits = observations === 2 && known === undefined;
    findings.push({
      ...observation,
      confidence:
        waits && waiveConfirmation && observation.confidence === 'confirmed'
          ? 'probable'
          : observation.confidence,
      state:
        before === undefined
          ? waits && !waiveConfirmation
            ? 'pending'
            : 'new'
          : before.state === 'pending'
            ? 'new'
            : 'open',
      firstSeen: known?.firstSeen ?? at,
      lastSeen: at,
      runs: (known?.runs ?? 0) + 1,
      flaps: (known?.flaps ?? 0) + (returned === undefined ? 0 : 1),
      notSeen: false,
      suppressed: null,
      partOf: null,
      resolution: null,
      children: [],
    });
  }
  for (const before of earlier.values()) {
    if (seen.has(before.fingerprint)) continue;
    const now = reexamine(before);
    if (now.result === 'notExamined') {
      findings.push({
        ...before,
        state: before.state === 'new' ? 'open' : before.state,
        notSeen: true,
        partOf: null,
        children: [],
      });
    } else if (before.state !== 'pending') {
      const resolution = now.result === 'gone' ? now.reason : 'the check passed';
      resolved.push({ ...before, state: 'resolved', notSeen: false, resolution, partOf: null, children: [] });
    }
  }
  return { findings, resolved };
}
