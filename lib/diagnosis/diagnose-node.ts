/** Runs a node's checks on its evidence. Pure: the same evidence gives the same failures, years later. */
import type { AnyCheck, CheckContext, Outcome } from '../checks/define.ts';
import { nodeObject } from '../checks/define.ts';
import { messageOf } from '../model/errors.ts';
import type { Evidence, Sources } from '../model/evidence.ts';
import type { CheckFailure, CheckTally } from '../model/node-result.ts';
import { bounded, keptOf, REASONS_KEPT, withinRoom, withoutRest } from './finding-limits.ts';
import { objectKey } from './identity.ts';

/** A reason quotes what was read, which may be of any length. */
const REASON_CHARACTERS = 1_000;

export type NodeDiagnosis = {
  readonly failures: CheckFailure[];
  readonly tallies: CheckTally[];
  /** Number of findings per check id, including those too many or too long to keep. */
  readonly found: ReadonlyMap<string, number>;
};

/**
 * A failed source makes its checks unknown on this node, one that the platform lacks makes them not applicable,
 * and a check that throws is unknown with the message: none of them is ever a pass. Findings beyond the limits of
 * a node are unknown too, with their number.
 */
export function diagnoseNode(
  evidence: Evidence,
  checks: readonly AnyCheck[],
  context: Omit<CheckContext, 'node' | 'now'>,
): NodeDiagnosis {
  const fullContext = { ...context, node: evidence.nodeName, now: Date.parse(evidence.takenAt) };
  const ran = checks.flatMap((check) =>
    check.scope === 'node' ? [runCheck(check, evidence, fullContext)] : [],
  );
  const kept = keptOf(ran.map(({ failures }) => failures));
  return {
    failures: ran.flatMap(({ failures }, index) => failures.slice(0, kept[index])),
    tallies: withinRoom(
      ran.map(({ tally: whole, failures }, index) =>
        withoutRest(whole, failures, kept[index] ?? 0, 'on this node'),
      ),
    ),
    found: new Map(ran.map(({ tally: { check }, failures }) => [check, failures.length])),
  };
}

type Ran = { readonly tally: CheckTally; readonly failures: readonly CheckFailure[] };

function runCheck(
  check: Extract<AnyCheck, { scope: 'node' }>,
  evidence: Evidence,
  context: CheckContext,
): Ran {
  const ran = (outcomes: readonly Outcome[]): Ran => ({
    tally: tally(check.id, outcomes),
    failures: failuresOf(check, outcomes),
  });
  try {
    return ran(outcomesOf(check, evidence, context).map(bounded));
  } catch (error) {
    const reason = `the check failed: ${messageOf(error)}`;
    return ran([{ result: 'unknown', object: nodeObject(context.node), reason }]);
  }
}

function outcomesOf(
  check: Extract<AnyCheck, { scope: 'node' }>,
  evidence: Evidence,
  context: CheckContext,
): readonly Outcome[] {
  const sources: Partial<Record<keyof Sources, unknown>> = {};
  for (const name of check.needs) {
    const part = evidence[name];
    if (part.status === 'failed')
      return [{ result: 'unknown', object: nodeObject(context.node), reason: `${name}: ${part.reason}` }];
    if (part.status === 'absent')
      return [{ result: 'notApplicable', object: nodeObject(context.node), reason: part.reason }];
    sources[name] = part.value;
  }
  return check.run(sources as never, context);
}

/** Counts one check's outcomes. */
export function tally(check: string, outcomes: readonly Outcome[]): CheckTally {
  const reasons = new Set<string>();
  const unexamined: string[] = [];
  let passed = 0;
  let unknown = 0;
  for (const outcome of outcomes) {
    if (outcome.result === 'pass') passed += 1;
    if (outcome.result !== 'unknown' && outcome.result !== 'notApplicable') continue;
    if (outcome.result === 'unknown') unknown += 1;
    unexamined.push(objectKey(outcome.object));
    if (reasons.size < REASONS_KEPT) reasons.add(outcome.reason.slice(0, REASON_CHARACTERS));
  }
  const nothingJudged = unexamined.length === outcomes.length;
  return {
    check,
    passed,
    notApplicable: unexamined.length - unknown,
    unknown,
    reasons: [...reasons],
    unexamined: nothingJudged ? [] : unexamined,
  };
}

/** The failures among outcomes, each with its check's severity unless the case has its own. */
export function failuresOf(check: AnyCheck, outcomes: readonly Outcome[]): CheckFailure[] {
  return outcomes.flatMap((outcome) =>
    outcome.result === 'fail'
      ? [
          {
            check: check.id,
            object: outcome.object,
            severity: outcome.severity ?? check.severity,
            confidence: outcome.confidence,
            detail: outcome.detail,
            evidence: [...outcome.evidence],
            remedy: [...outcome.remedy],
            repair: outcome.repair,
          },
        ]
      : [],
  );
}
