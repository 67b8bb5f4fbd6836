/**
 * Judges mutated bundles of recorded nodes together with an intact node: `npm run fuzz -- --mutants 1000000
 * --seed 1`. Exits with 1 if anything went wrong. The same seed gives the same mutants; `--first N` continues
 * with group N of ten.
 */
import { parseArgs } from 'node:util';
import { kinds } from '../test/fuzz/attack.ts';
import { type Campaign, campaign } from '../test/fuzz/campaign.ts';

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const mutants = Number(values.mutants);
const started = performance.now();
let shown = 0;
let told = 0;
const ended = await campaign(Number(values.seed), {
  mutants,
  first: Number(values.first),
  onProgress(soFar) {
    for (; shown < soFar.failures.length; shown += 1)
      console.log(JSON.stringify(soFar.failures[shown]).slice(0, 1_500));
    if (soFar.mutants < told + 5_000 && soFar.mutants < mutants) return;
    told = soFar.mutants;
    console.log(counts(soFar));
  },
});
for (; shown < ended.failures.length; shown += 1)
  console.log(JSON.stringify(ended.failures[shown]).slice(0, 1_500));
console.log(`seed ${values.seed}: ${counts(ended)}`);
process.exitCode = ended.failures.length === 0 ? 0 : 1;

function counts({ mutants: done, refused, slowest, failures }: Campaign): string {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const each = kinds.map((kind) => `${failures.filter((one) => one.kind === kind).length} ${kind}`);
  return `${done} mutants in ${seconds} s, ${refused} refused, slowest ${slowest.toFixed(2)} s of CPU; ${each.join(', ')}`;
}
