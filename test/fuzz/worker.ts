/** A thread that attacks: if it hangs or uses up its memory, nothing else ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { prepare } from './attack.ts';

const { seed, groups } = workerData as { seed: number; groups: readonly number[] };
const attack = await prepare(seed);
for (const number of groups) {
  const result = await attack.group(number, (mutant, changes) =>
    parentPort?.postMessage({ kind: 'mutant', mutant, changes }),
  );
  parentPort?.postMessage({ kind: 'group', number, ...result });
}
