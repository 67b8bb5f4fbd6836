/** Runs the checks of one node over its evidence. Pure: the same evidence gives the same failures, years later. */
import type { AnyCheck, CheckContext, Outcome } from '../checks/define.ts';
import { nodeObject } from '../checks/define.ts';
import { messageOf } from '../model/errors.ts';
import type { Evidence, Sources } from '../model/evidence.ts';
import type { CheckFailure, CheckTally } from '../model/node-result.ts';
import { objectKey } from './identity.ts';

/** At most this many distinct reasons of a check are kept for a node: a report is read by people. */
const REASONS_KEPT = 5;

export type NodeDiagnosis = { readonly failures: CheckFailure[]; readonly tallies: CheckTally[] };

/**
 * A source that failed makes its checks unknown on this node, one that the platform lacks makes them not applicable,
 * and a check that throws is unknown with the message: none of them is ever a pass.
 */
export function diagnoseNode(
  evidence: Evidence,
  checks: readonly AnyCheck[],
  context: Omit<CheckContext, 'node' | 'now'>,
): NodeDiagnosis {
  const failures: CheckFailure[] = [];
  const tallies: CheckTally[] = [];
  const fullContext = { ...context, node: evidence.nodeName, now: Date.parse(evidence.takenAt) };
  for (const check of checks) {
    if (check.scope !== 'node') continue;
    const outcomes = runCheck(check, evidence, fullContext);
    tallies.push(tally(check.id, outcomes));
    failures.push(...failuresOf(check, outcomes));
  }
  return { failures, tallies };
}

function runCheck(
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
  try {
    return check.run(sources as never, context);
  } catch (error) {
    return [
      {
        result: 'unknown',
        object: nodeObject(context.node),
        reason: `the check failed: ${messageOf(error)}`,
      },
    ];
  }
}

/** Counts of one check's outcomes. */
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
    if (reasons.size < REASONS_KEPT) reasons.add(outcome.reason);
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
          },
        ]
      : [],
  );
}
