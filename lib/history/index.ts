/** Reports through time: the store and its keys, the latest report, and what became of a finding. */
export { DirectoryStore } from './directory.ts';
export { clusterKey, clusterOf, dayOf, keys, newRunId } from './keys.ts';
export { compare } from './lifecycle.ts';
export { latestReport, publish, readReport } from './publish.ts';
export type { Store } from './store.ts';
