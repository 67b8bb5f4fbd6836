/** The process beside the auditor in which bundles are judged, one after the other: judge-node.ts starts and ends it. */
import { type Answer, judgeBundle, type Unpacked, type Work } from './judge-bundle.ts';

/** In the order of sending: at most one `unpacked`, and one answer for each work. */
export type Message = { readonly kind: 'unpacked'; readonly unpacked: Unpacked } | Answer;

const tell = (message: Message): void => {
  // Gone with the auditor: then nobody waits for it.
  process.send?.(message, () => {});
};

process.on('message', async (work: Work) => {
  tell(await judgeBundle(work, (unpacked) => tell({ kind: 'unpacked', unpacked })));
});
// Ctrl-C reaches the whole group; the auditor ends this process when it is done with its own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
