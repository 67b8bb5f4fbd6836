/** Reports through time: the store and its keys, the latest report, and what became of a finding. */

export { diff, type ReportDiff } from './diff.ts';
export { DirectoryStore } from './directory.ts';
export { keys, type Run } from './keys.ts';
export { clusters, hasReports, lastSummary, type RunSummary, runs, summaries } from './list.ts';
export { type Narrowing, narrowed } from './narrow.ts';
export { pastTotals, totalsBefore } from './past.ts';
export { latestReport, latestReportOf, pointToLatest, reportOfRun } from './reports.ts';
export { parseS3Place, S3Store } from './s3.ts';
export type { Store } from './store.ts';
export {
  columnsOf,
  type Grouping,
  last,
  type Metric,
  rowsOf,
  type Series,
  series,
} from './trend.ts';
