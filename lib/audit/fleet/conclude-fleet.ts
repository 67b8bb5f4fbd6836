/** Ends a run: one report of all its clusters, and one message if configured. */
import { type ClusterLine, digestOf, type Notifier } from '../../alert/index.ts';
import { keys, type Store } from '../../history/index.ts';
import { isFoundName } from '../../model/discovery.ts';
import { forEachLimited } from '../../model/limit.ts';
import { verdicts } from '../../model/report.ts';
import { placedIn } from '../../model/vpc-networks.ts';
import { deliverNews } from '../deliver.ts';
import { linksToFleet } from '../tell.ts';
import {
  type Conclusion,
  type FleetConclusionInput,
  type FleetReport,
  fleetConclusionInputSchema,
  type Task,
} from './messages.ts';
import { pageOfRun } from './page.ts';
import { keepRegister } from './register.ts';
import { readConclusion, readFound, readTasks } from './work.ts';

/** Conclusions fetched at once. */
const AT_ONCE = 16;

/**
 * The report is the record of the message: it is written after the message was accepted.
 *
 * @param deps - without notifiers no digest is sent
 * @throws AuditError STORE, ALERT
 */
export async function concludeFleet(
  store: Store,
  given: FleetConclusionInput,
  deps: { readonly notifiers: readonly Notifier[]; readonly consoleRegion: string | null } = {
    notifiers: [],
    consoleRegion: null,
  },
): Promise<FleetReport> {
  const { runId, digest: isDigestWanted, clusters: ended } = fleetConclusionInputSchema.parse(given);
  const tasks = await readTasks(store, runId);
  const found = await readFound(store, runId);
  const clusters = await becameOf(store, runId, { tasks, ended });
  const gaps = found?.gaps ?? [];
  const worst = Math.max(
    ...clusters.map((each) =>
      verdicts.indexOf('verdict' in each && each.reached ? each.verdict : 'incomplete'),
    ),
    // Unknown what is there.
    verdicts.indexOf(gaps.length > 0 ? 'incomplete' : 'healthy'),
  );
  const report: FleetReport = {
    schemaVersion: 1,
    kind: 'FleetReport',
    runId,
    checks: tasks[0]?.checks ?? 'all',
    digest: isDigestWanted,
    clusters,
    gaps,
    verdict: verdicts[worst] ?? 'incomplete',
    lost: clusters.filter((each) => !('verdict' in each)).length,
  };
  const key = keys.fleet(runId);
  // Before the message: a failure after it would send it twice.
  const page = await pageOfRun(store, report, deps.consoleRegion);
  await store.putOnce(keys.fleetPage(runId), Buffer.from(page));
  if (isDigestWanted && deps.notifiers.length > 0 && (await store.get(key)) === null) {
    const digest = digestOf(
      { runId, clusters: clusters.map(lineOf) },
      linksToFleet(store, key, deps.consoleRegion),
    );
    await deliverNews(deps.notifiers, digest);
  }
  await store.putOnce(key, Buffer.from(`${JSON.stringify(report)}\n`));
  // A run of counts concludes nothing about clusters that are gone, which a full one has to do.
  if (found !== null && tasks.some(({ checks }) => checks === 'all'))
    await keepRegister(
      store,
      // Networks are those of the configuration at the time, and a version before they existed reads this too.
      tasks.filter(wasFound(report)).map(({ cluster }) => placedIn([], cluster)),
    );
  return report;
}

/** The conclusion of each cluster, or its error: also for those whose states had no end. */
async function becameOf(
  store: Store,
  runId: string,
  { tasks, ended }: { readonly tasks: readonly Task[]; readonly ended: FleetConclusionInput['clusters'] },
): Promise<FleetReport['clusters']> {
  const known = new Set(ended.map(({ cluster }) => cluster));
  const missing = tasks
    .map(({ cluster }) => ({ cluster: cluster.name }))
    .filter((each) => !known.has(each.cluster));
  const inStore = [...ended.filter((each) => !isWhole(each)), ...missing];
  const read = new Map<string, Conclusion | null>();
  await forEachLimited(inStore, AT_ONCE, async ({ cluster }) => {
    read.set(cluster, await readConclusion(store, { cluster, runId }));
  });
  return [...ended, ...missing].map((each) =>
    isWhole(each)
      ? each
      : (read.get(each.cluster) ?? { cluster: each.cluster, reason: 'its audit ended without a conclusion' }),
  );
}

type Became = FleetReport['clusters'][number];

function isWhole(each: FleetConclusionInput['clusters'][number]): each is Became {
  return 'verdict' in each || 'reason' in each;
}

/** Clusters to remember for the next night: all but listed ones, and those whose removal is concluded. */
function wasFound({ clusters }: FleetReport): (task: Task) => boolean {
  const concluded = new Set(clusters.filter((each) => 'verdict' in each).map(({ cluster }) => cluster));
  return ({ cluster, removed }) => isFoundName(cluster.name) && !(removed && concluded.has(cluster.name));
}

function lineOf(each: FleetReport['clusters'][number]): ClusterLine {
  if (!('verdict' in each)) return { cluster: each.cluster, lost: true, reason: each.reason };
  const { cluster, reached, verdict, findings, resolved } = each;
  return { cluster, lost: false, reached, verdict, findings, new: each.new, resolved };
}
