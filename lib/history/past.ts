/** Earlier runs, for the charts of a page. */
import { DAY } from '../model/days.ts';
import { unlessFailed } from '../model/errors.ts';
import type { ClusterReport } from '../model/report.ts';
import { timeOf } from '../model/run-id.ts';
import { type Totals, totalsOf } from '../model/totals.ts';
import type { Store } from './store.ts';
import { columnsOf, readColumns } from './trend.ts';

const DAYS = 30;

/**
 * The last run of the whole cluster on each of the thirty days before a report, oldest first. Null for a
 * partial report, and if the store cannot be read; damaged rows are not drawn: a lost past must not cost the
 * present report.
 */
export async function pastTotals(
  store: Store,
  report: Pick<ClusterReport, 'runId' | 'cluster' | 'scope'>,
): Promise<Totals[] | null> {
  if (report.scope === 'part') return null;
  return await totalsBefore(store, report.cluster.name, Date.parse(timeOf(report.runId)));
}

/** The same before a given time, in milliseconds. */
export async function totalsBefore(store: Store, cluster: string, time: number): Promise<Totals[] | null> {
  const columns = columnsOf(new Date(time - DAYS * DAY), new Date(time), DAYS);
  // Summed as soon as read: thirty times five thousand nodes are too many to hold.
  const sums = () =>
    readColumns(
      store,
      cluster,
      columns,
      false,
      () => {},
      (rows, run) => totalsOf(timeOf(run.runId), rows),
    );
  const found = await unlessFailed(sums, (code) => code === 'STORE');
  return found?.filter((each) => each !== null) ?? null;
}
