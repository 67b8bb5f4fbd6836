/** The answer for one object, as people count it. */
import type { RepairAnswer } from '../probe/index.ts';

/** What a pod on a node says of an object that is by now as a repair, or its undo, would leave it. */
const SETTLED: ReadonlySet<string> = new Set(['it is as it should be', 'it is as it was found']);

/** Nothing is wrong with an object that is settled: it was refused only because nothing is left to do. */
export function answerWord({ word, detail }: RepairAnswer): RepairAnswer['word'] | 'in order already' {
  return word === 'refused' && SETTLED.has(detail) ? 'in order already' : word;
}
