/**
 * A finding through time: pending, new, open, resolved, and whether it comes and goes. Pure; one report and the next
 * observations in, findings out.
 */
import { daysBetween, FLAPPING_RETURNS, STABLE_DAYS } from '../model/days.ts';
import type { Finding } from '../model/finding.ts';
import type { ClusterReport, Remembered } from '../model/report.ts';

/** Of more findings that are gone than this, those that went first are forgotten before their week is over. */
const REMEMBERED = 2000;

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

export type ComparedFindings = Pick<ClusterReport, 'findings' | 'resolved' | 'remembered'>;

/**
 * Compares what was observed with the previous report. Only what was examined again and passed, or whose object is
 * gone, is resolved; the rest stays open and says `notSeen`.
 *
 * @param waiveConfirmation - no second observation can be waited for: report at once, at most as probable
 */
export function compare(
  previous: Pick<ClusterReport, 'findings' | 'remembered'> | null,
  observed: readonly Observation[],
  at: string,
  reexamine: (finding: Finding) => Reexamination,
  waiveConfirmation: boolean,
): ComparedFindings {
  const earlier = new Map((previous?.findings ?? []).map((finding) => [finding.fingerprint, finding]));
  const remembered = new Map(
    (previous?.remembered ?? [])
      .filter(({ resolvedAt }) => daysBetween(resolvedAt, at) < STABLE_DAYS)
      .map((each) => [each.fingerprint, each]),
  );
  const findings: Finding[] = [];
  const resolved: Finding[] = [];
  const seen = new Set<string>();
  for (const { observations, ...observation } of observed) {
    if (seen.has(observation.fingerprint)) continue;
    seen.add(observation.fingerprint);
    const before = earlier.get(observation.fingerprint);
    const returned = before === undefined ? remembered.get(observation.fingerprint) : undefined;
    remembered.delete(observation.fingerprint);
    const known = before ?? returned;
    const flaps = flapsOf(before, at) + (returned === undefined ? 0 : returned.flaps + 1);
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
      flaps,
      flapping: flaps >= FLAPPING_RETURNS,
      returnedAt: returned !== undefined ? at : flaps === 0 ? null : (before?.returnedAt ?? null),
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
      const flaps = flapsOf(before, at);
      resolved.push({
        ...before,
        state: 'resolved',
        flaps,
        flapping: flaps >= FLAPPING_RETURNS,
        notSeen: false,
        resolution,
        partOf: null,
        children: [],
      });
      const { fingerprint, firstSeen, runs } = before;
      remembered.set(fingerprint, { fingerprint, firstSeen, resolvedAt: at, runs, flaps });
    }
  }
  return { findings, resolved, remembered: bounded([...remembered.values()]) };
}

/** How often it came back; forgotten once it stayed for a week. */
function flapsOf(before: Finding | undefined, at: string): number {
  if (before === undefined || before.returnedAt === null) return 0;
  return daysBetween(before.returnedAt, at) < STABLE_DAYS ? before.flaps : 0;
}

/** The newest first, so that reports of the same findings are the same. */
function bounded(remembered: readonly Remembered[]): Remembered[] {
  return remembered
    .toSorted((a, b) => compareText(b.resolvedAt, a.resolvedAt) || compareText(a.fingerprint, b.fingerprint))
    .slice(0, REMEMBERED);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
