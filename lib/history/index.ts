/** Reports through time: the store and its keys, the latest report, and the lifecycle of findings. */

export {
  damageOf,
  type OnDamage,
  parsedJson,
  problemOf,
  unlessDamaged,
  unlessDamagedNow,
  unpacked,
} from './damage.ts';
export { diff, type ReportDiff } from './diff.ts';
export { DirectoryStore } from './directory.ts';
export { keys, type Run } from './keys.ts';
export { latestReport, latestReportOf, newestReport, pointToLatest } from './latest.ts';
export { lastSummary, type RunSummary, summaries } from './list.ts';
export { pastTotals, totalsBefore } from './past.ts';
export { readPointer, reportOfRun } from './reports.ts';
export { expired, kinds } from './retention.ts';
export { checkRows } from './rows.ts';
export { clusters, hasReports, runs } from './runs.ts';
export { parseS3Place, S3Store } from './s3.ts';
export { LARGEST_OBJECT, moveAway, type Store } from './store.ts';
export {
  columnsOf,
  last,
  type Series,
  series,
  trendRows,
} from './trend.ts';
