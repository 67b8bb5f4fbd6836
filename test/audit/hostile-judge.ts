/** The judging process, in which bundles of some nodes behave worse than any known one: selected by the node's name. */
import type { Work } from '../../lib/audit/judge-bundle.ts';

const nodeOf = (work: Work): string => (work.kind === 'log' ? work.before.node.name : '');

process.on('message', (work: Work) => {
  if (nodeOf(work) === 'endless') for (;;);
  if (nodeOf(work) === 'greedy') for (const all: unknown[] = []; ; ) all.push({ all });
  if (nodeOf(work) === 'fatal') process.exit(1);
});
await import('../../lib/audit/judge-process.ts');
