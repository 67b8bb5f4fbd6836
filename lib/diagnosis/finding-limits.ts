/** How much one node may add to a report: a hostile one finds sixty thousand faults in itself, each as long as it likes. */
import type { Outcome } from '../checks/define.ts';
import type { AuditedObject, Comparison, RemedyStep } from '../model/finding.ts';

/** Findings kept per node. Namespaces leak by the thousand, so this many are no attack. */
export const FINDINGS_OF_A_NODE = 5_000;
/** Characters of one text of a finding: a hundred addresses fit. */
const TEXT = 4_000;
/** Characters of a finding's object, which identify it across runs: more than the longest path. */
const OBJECT = 8_000;
/** Characters of a whole finding. */
const FINDING = 16_000;

/**
 * How many findings each check may keep: a check with too many takes no room from the others.
 *
 * @param counts - what each check found
 */
export function shareOf(counts: readonly number[]): number {
  let left = FINDINGS_OF_A_NODE;
  const ascending = counts.toSorted((a, b) => a - b);
  for (const [index, count] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (count > share) return share;
    left -= count;
  }
  return FINDINGS_OF_A_NODE;
}

/** An outcome with texts visibly cut at their limits; one that is still too long becomes unknown. */
export function bounded(outcome: Outcome): Outcome {
  const { kind, node } = outcome.object;
  const characters = lengthOf(outcome.object);
  if (characters > OBJECT) {
    const object: AuditedObject = {
      kind,
      name: `${outcome.object.name.slice(0, 200)}…`,
      ...(node === undefined ? {} : { node: node.slice(0, 300) }),
    };
    return {
      result: 'unknown',
      object,
      reason: `the name of what was looked at has ${characters} characters`,
    };
  }
  if (outcome.result !== 'fail') return outcome;
  const cut: Outcome = {
    ...outcome,
    detail: text(outcome.detail),
    evidence: outcome.evidence.map(comparison),
    remedy: outcome.remedy.map(step),
  };
  const whole =
    cut.detail.length +
    cut.evidence.reduce((sum, each) => sum + lengthOf(each), 0) +
    cut.remedy.reduce((sum, each) => sum + lengthOf(each), 0);
  return whole > FINDING
    ? {
        result: 'unknown',
        object: outcome.object,
        reason: `a finding of ${whole} characters, too long to report`,
      }
    : cut;
}

const lengthOf = (texts: AuditedObject | Comparison | RemedyStep): number =>
  Object.values(texts).reduce((sum, each) => sum + (each?.length ?? 0), 0);

function text(whole: string): string {
  return whole.length > TEXT ? `${whole.slice(0, TEXT)}… (${whole.length - TEXT} characters more)` : whole;
}

function comparison(each: Comparison): Comparison {
  return {
    ...each,
    what: text(each.what),
    ...(each.expected === undefined ? {} : { expected: text(each.expected) }),
    actual: text(each.actual),
    source: text(each.source),
  };
}

/** Half a command is another command: one that is too long is left out. */
function step(each: RemedyStep): RemedyStep {
  const { command, ...rest } = each;
  if (command === undefined || command.length <= TEXT) return { ...each, text: text(each.text) };
  return {
    ...rest,
    text: `${text(each.text)} (its command has ${command.length} characters and is left out)`,
  };
}
