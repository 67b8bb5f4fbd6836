// How fast saved evidence is judged, starting from the file, and whether memory grows with the number of
// nodes:
//   npm run bench:diagnosis -- NODE.tar.gz
// The default is the demo's recorded node; the design's numbers are for a node with 110 pods.
import { readFile } from 'node:fs/promises';
import { Judge } from '../lib/audit/judge.ts';

const file = process.argv[2] ?? new URL('../demo/healthy.tar.gz', import.meta.url);
const archive = await readFile(file);
const judge = new Judge();

async function judgeNodes(nodes: number): Promise<{ seconds: number; heap: number; pods: number }> {
  let heap = 0;
  let pods = 0;
  const start = process.hrtime.bigint();
  for (let index = 0; index < nodes; index += 1) {
    const { answer } = await judge.judge({ kind: 'archive', archive });
    if (answer.kind !== 'judged') throw new Error(JSON.stringify(answer));
    pods += answer.result.facts?.pods ?? 0;
    heap = Math.max(heap, process.memoryUsage().heapUsed);
  }
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, heap, pods };
}

const start = await judgeNodes(1);
await judgeNodes(3);
const few = await judgeNodes(10);
const many = await judgeNodes(100);
judge.close();
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
console.log(`the first node, with the start of the process that judges: ${start.seconds.toFixed(2)} s`);
console.log(
  `100 nodes, ${many.pods} pods: ${many.seconds.toFixed(2)} s, ${(many.pods / many.seconds).toFixed(0)} pods/s`,
);
console.log(
  `largest heap here: ${mebibytes(few.heap)} in 10 nodes, ${mebibytes(many.heap)} in 100, ratio ${(many.heap / few.heap).toFixed(2)}`,
);
