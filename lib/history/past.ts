/** What a page draws of earlier runs. */
import type { ClusterReport } from '../model/report.ts';
import { timeOf } from '../model/run-id.ts';
import { type Totals, totalsOf } from '../model/totals.ts';
import type { Store } from './store.ts';
import { columnsOf, readColumns } from './trend.ts';

const DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

/**
 * The last run of the whole cluster in each of the thirty days before a report, oldest first. Empty for a report of a part,
 * and where earlier rows cannot be read: what was is no reason to lose what is.
 */
export async function pastTotals(
  store: Store,
  report: Pick<ClusterReport, 'runId' | 'cluster' | 'scope'>,
): Promise<Totals[]> {
  if (report.scope === 'part') return [];
  const to = new Date(timeOf(report.runId));
  const columns = columnsOf(new Date(to.getTime() - DAYS * DAY_MILLISECONDS), to, DAYS);
  try {
    // Each is added up as soon as it is read: thirty times five thousand nodes are much to hold.
    const found = await readColumns(store, report.cluster.name, columns, false, (rows, run) =>
      totalsOf(timeOf(run.runId), rows),
    );
    return found.filter((each) => each !== null);
  } catch {
    return [];
  }
}
