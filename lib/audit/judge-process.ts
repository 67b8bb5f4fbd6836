/** The process beside the auditor that judges bundles, one at a time: judge.ts starts and ends it. */
import { Worker } from 'node:worker_threads';
import { type BundleAnswer, judgeBundle, type Unpacked, type Work } from './judge-bundle.ts';

/** In this order: at most one `unpacked`, then one answer per work. */
export type JudgeMessage = { readonly kind: 'unpacked'; readonly unpacked: Unpacked } | BundleAnswer;

/** Waits until it is sent: the next step may block this thread until its time limit. */
const tell = (message: JudgeMessage): Promise<void> =>
  new Promise((resolve) => {
    // The auditor is gone: nobody waits for it.
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });

process.on('message', async (work: Work) => {
  await tell(await judgeBundle(work, async (unpacked) => await tell({ kind: 'unpacked', unpacked })));
});
// While judging a bundle this thread hears nothing: a separate thread notices a killed auditor.
const parent = process.ppid;
new Worker(
  `setInterval(() => { if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL'); }, 1000)`,
  { eval: true },
).unref();
// Ctrl-C reaches the whole group; the auditor ends this process after its own cleanup.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
