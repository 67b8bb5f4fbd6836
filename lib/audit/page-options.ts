/** What a report's page needs besides the report: texts on its checks, earlier runs, and links to other pages. */
import { readFile } from 'node:fs/promises';
import { whyByCheck } from '../checks/catalogue.ts';
import { keys, pastTotals, type Run, readPointer, type Store, unlessDamaged } from '../history/index.ts';
import type { ClusterReport } from '../model/report.ts';
import type { PageOptions } from '../report/index.ts';
import { consolePage, urlPath } from './tell.ts';

export type Neighbours = {
  /** Whether the run is part of a fleet, which has its own page. */
  readonly inFleet?: boolean;
  /** Region of the console, where the store is a bucket viewed there. */
  readonly consoleRegion?: string | null;
};

/**
 * For a page in the store: its earlier runs, and links to the previous audit and the fleet.
 * @throws AuditError STORE
 */
export async function storedPageOptions(
  store: Store,
  report: ClusterReport,
  { inFleet = false, consoleRegion = null }: Neighbours,
): Promise<PageOptions> {
  const { runId, cluster } = report;
  const previous = await runBefore(store, { cluster: cluster.name, runId });
  const link = (key: string): string =>
    consolePage(store, key, consoleRegion) ?? `../../../../${urlPath(key)}`;
  return {
    why: whyByCheck,
    pages: await checkPages(report),
    past: await pastTotals(store, report),
    links: {
      fleet: inFleet ? link(keys.fleetPage(runId)) : null,
      previous: previous === null ? null : link(keys.reportPage(previous)),
      next: null,
    },
  };
}

/** The audit to compare with; null where there is none, or its pointer is unreadable. */
async function runBefore(store: Store, { cluster, runId }: Run): Promise<Run | null> {
  const pointer = await unlessDamaged(
    () => readPointer(store, cluster),
    () => {},
  );
  return pointer === null || pointer.runId >= runId ? null : { cluster, runId: pointer.runId };
}

/** Where the check pages are: in the clone and the package, and beside a function's code. */
const PLACES = ['../../docs/checks/', './checks/'].map((place) => new URL(place, import.meta.url));

/** Markdown pages of the checks with findings in a report; missing pages are left out. */
export async function checkPages({
  findings,
}: Pick<ClusterReport, 'findings'>): Promise<ReadonlyMap<string, string>> {
  // A stored report may name anything.
  const ids = [...new Set(findings.map(({ check }) => check))].filter((id) => whyByCheck.has(id));
  const pages = await Promise.all(ids.map(async (id) => [id, await pageOf(id)] as const));
  return new Map(pages.flatMap(([id, page]) => (page === null ? [] : [[id, page] as const])));
}

async function pageOf(id: string): Promise<string | null> {
  for (const place of PLACES) {
    try {
      return await readFile(new URL(`${id}.md`, place), 'utf8');
    } catch {
      // Try the next place; a report without the page says why the check matters.
    }
  }
  return null;
}
