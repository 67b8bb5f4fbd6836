/** Reports through time: the store and its keys, the latest report, and what became of a finding. */
export { DirectoryStore } from './directory.ts';
export { keys, type Run } from './keys.ts';
export { compare } from './lifecycle.ts';
export { latestReport, latestReportOf, pointToLatest, readReport, reportOfRun } from './reports.ts';
export { parseS3Place, S3Store } from './s3.ts';
export type { Store } from './store.ts';
