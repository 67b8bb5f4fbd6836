/** A repair pod's answers about each object. They come from the node, so only the exact form is accepted. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { printable } from '../model/printable.ts';

/**
 * done: gone, and proven; would: it may be deleted; refused: a precondition failed; failed: the deletion
 * started but did not succeed; left: not tried.
 */
const answerWords = ['done', 'would', 'refused', 'failed', 'left'] as const;
const wordSchema = z.enum(answerWords);

export type RepairAnswer = {
  readonly name: string;
  readonly word: z.infer<typeof wordSchema>;
  /** What was in it, or why it was not deleted. */
  readonly detail: string;
};

/** Maximum number of characters kept of a line. */
const DETAIL = 400;

/**
 * @param names - the objects that the pod was given
 * @returns an answer for each of them, in their order
 * @throws AuditError PROBE_FAILED if the log ends before its last line, or lacks an answer
 */
export function readAnswers(log: string, names: readonly string[]): RepairAnswer[] {
  const lines = log.trimEnd().split('\n');
  const answers = new Map<string, RepairAnswer>();
  for (const line of lines.slice(0, -1)) {
    const [, word, name, detail] = /^([a-z]+) (\S+) (.*)$/.exec(line) ?? [];
    const known = wordSchema.safeParse(word);
    if (!known.success || name === undefined || !names.includes(name) || answers.has(name))
      throw unreadable(`it says ${printable(line, 200)}`);
    answers.set(name, { name, word: known.data, detail: printable(detail ?? '', DETAIL) });
  }
  if (lines.at(-1) !== `end ${names.length}`) throw unreadable('it was cut short');
  return names.map((name) => {
    const answer = answers.get(name);
    if (answer === undefined) throw unreadable(`it says nothing of ${name}`);
    return answer;
  });
}

function unreadable(why: string): AuditError {
  return new AuditError('PROBE_FAILED', `the log of the repair pod is not what it should be: ${why}`, {
    remedy: 'Audit the node: what was repaired is gone from the report.',
  });
}
