/**
 * A finding through time: pending, new, open, resolved or flapping. Pure; one report and the next
 * observations in, findings out.
 */
import { byText } from '../model/by-text.ts';
import { isFlapping, isStable, returnsBy } from '../model/changing.ts';
import type { Finding } from '../model/finding.ts';
import type { ClusterReport, Remembered } from '../model/report.ts';

/** If more findings than this are gone, the oldest are dropped before their week is over. */
const REMEMBERED = 2000;

/** A fault in this run, before comparison with earlier ones. */
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
  | 'repair'
  | 'serves'
  | 'replicas'
> & {
  /** Runs that must see it before it counts. */
  readonly observations: 1 | 2;
  /** When the previous audit began, if that checked the object. */
  readonly lastWithout: string | null;
};

/** What this run knows about an earlier finding that it did not see again. */
export type Reexamination =
  | { readonly result: 'passed' }
  | { readonly result: 'gone'; readonly reason: string }
  | { readonly result: 'notExamined' };

export type ComparedFindings = Pick<ClusterReport, 'findings' | 'resolved' | 'remembered'>;

/**
 * Compares observations with the previous report. A finding is resolved only if it was examined again and
 * passed, or its object is gone; the rest stays open, marked `notSeen`.
 *
 * @param waiveConfirmation - no second observation will come: report at once, at most as probable
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
      .filter(({ resolvedAt }) => !isStable({ changedAt: resolvedAt }, at))
      .map((each) => [each.fingerprint, each]),
  );
  const findings: Finding[] = [];
  const resolved: Finding[] = [];
  const seen = new Set<string>();
  for (const observation of observed) {
    const { fingerprint } = observation;
    if (seen.has(fingerprint)) continue;
    seen.add(fingerprint);
    const past = { before: earlier.get(fingerprint), remembered: remembered.get(fingerprint) };
    findings.push(found(observation, past, at, waiveConfirmation));
    remembered.delete(fingerprint);
  }
  for (const before of earlier.values()) {
    if (seen.has(before.fingerprint)) continue;
    const now = reexamine(before);
    if (now.result === 'notExamined') findings.push(notSeen(before));
    else if (before.state !== 'pending') {
      const { fingerprint, firstSeen, runs } = before;
      const flaps = flapsOf(before, at);
      resolved.push(over(before, now.result === 'gone' ? now.reason : 'the check passed', flaps));
      remembered.set(fingerprint, { fingerprint, firstSeen, resolvedAt: at, runs, flaps });
    }
  }
  return { findings, resolved, remembered: bounded([...remembered.values()]) };
}

type Past = { readonly before: Finding | undefined; readonly remembered: Remembered | undefined };

/** The findings of this run, with their history. */
function found(
  { observations, lastWithout, ...observation }: Observation,
  { before, remembered }: Past,
  at: string,
  waiveConfirmation: boolean,
): Finding {
  const returned = before === undefined ? remembered : undefined;
  const known = before ?? returned;
  const flaps = flapsOf(before, at) + (returned === undefined ? 0 : returned.flaps + 1);
  const waits = observations === 2 && known === undefined;
  const { confidence } = observation;
  return {
    ...observation,
    confidence: waits && waiveConfirmation && confidence === 'confirmed' ? 'probable' : confidence,
    state: stateOf(before, waits && !waiveConfirmation),
    firstSeen: known?.firstSeen ?? at,
    lastSeen: at,
    runs: (known?.runs ?? 0) + 1,
    flaps,
    flapping: isFlapping(flaps),
    returnedAt: returned !== undefined ? at : flaps === 0 ? null : (before?.returnedAt ?? null),
    lastWithout: before === undefined ? lastWithout : (before.lastWithout ?? null),
    notSeen: false,
    suppressed: null,
    partOf: null,
    resolution: null,
    children: [],
  };
}

function stateOf(before: Finding | undefined, waits: boolean): Finding['state'] {
  if (before === undefined) return waits ? 'pending' : 'new';
  return before.state === 'pending' ? 'new' : 'open';
}

/** Carried over, as nobody examined it again. */
function notSeen(before: Finding): Finding {
  return {
    ...before,
    state: before.state === 'new' ? 'open' : before.state,
    notSeen: true,
    partOf: null,
    children: [],
  };
}

function over(before: Finding, resolution: string, flaps: number): Finding {
  return {
    ...before,
    state: 'resolved',
    flaps,
    flapping: isFlapping(flaps),
    notSeen: false,
    resolution,
    partOf: null,
    children: [],
  };
}

/** How often it came back; reset once it stayed for a week. */
function flapsOf(before: Finding | undefined, at: string): number {
  if (before === undefined || before.returnedAt === null) return 0;
  return returnsBy({ changedAt: before.returnedAt, returns: before.flaps }, at);
}

/** Newest first, so that reports of the same findings are identical. */
function bounded(remembered: readonly Remembered[]): Remembered[] {
  return remembered
    .toSorted((a, b) => byText(b.resolvedAt, a.resolvedAt) || byText(a.fingerprint, b.fingerprint))
    .slice(0, REMEMBERED);
}
