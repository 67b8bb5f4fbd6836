/** What a page on standard output shows besides its report. */
import type { Store } from '../lib/history/index.ts';
import { dayBefore } from '../lib/model/days.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { timeOf } from '../lib/model/run-id.ts';
import type { PageOptions } from '../lib/report/index.ts';
import { hrefOf, today } from './reports-store.ts';

/** How many days back the previous audit is looked for. */
const DAYS = 40;

/** @param store - of earlier runs; null where the report is not of a whole, existing cluster */
export async function pageOptions(store: Store | null, report: ClusterReport): Promise<Partial<PageOptions>> {
  const { checkPages } = await import('../lib/audit/index.ts');
  const pages = await checkPages(report);
  if (store === null) return { pages };
  const { keys, pastTotals, runs } = await import('../lib/history/index.ts');
  const { runId } = report;
  const cluster = report.cluster.name;
  const since = dayBefore(Date.parse(timeOf(runId)), DAYS);
  let [previous, next]: (string | null)[] = [null, null];
  for await (const run of runs(store, [cluster], since, today(), () => {})) {
    if (run.runId > runId) next = run.runId;
    if (run.runId < runId) {
      previous = run.runId;
      break;
    }
  }
  const link = (found: string | null | undefined): string | null =>
    found == null ? null : hrefOf(store, keys.reportPage({ cluster, runId: found }));
  return {
    pages,
    past: await pastTotals(store, report),
    links: { fleet: null, previous: link(previous), next: link(next) },
  };
}
