/** The process beside the auditor in which bundles are judged, one after the other: judge.ts starts and ends it. */
import { Worker } from 'node:worker_threads';
import { type Answer, judgeBundle, type Unpacked, type Work } from './judge-bundle.ts';

/** In the order of sending: at most one `unpacked`, and one answer for each work. */
export type Message = { readonly kind: 'unpacked'; readonly unpacked: Unpacked } | Answer;

/** Waits until it has left: what follows may keep this thread for as long as it is given. */
const tell = (message: Message): Promise<void> =>
  new Promise((resolve) => {
    // Gone with the auditor: then nobody waits for it.
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });

process.on('message', async (work: Work) => {
  await tell(await judgeBundle(work, async (unpacked) => await tell({ kind: 'unpacked', unpacked })));
});
// Who is busy with a bundle hears nothing: of an auditor that was killed, a thread of its own learns.
const parent = process.ppid;
new Worker(
  `setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL'); }, 1000)`,
  { eval: true },
).unref();
// Ctrl-C reaches the whole group; the auditor ends this process when it is done with its own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
