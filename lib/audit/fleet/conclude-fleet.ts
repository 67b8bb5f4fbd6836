/** Ends a run: one report of all its clusters, and one message where it was asked for. */
import { type ClusterLine, digestOf, type Notifier } from '../../alert/index.ts';
import { keys, type Store } from '../../history/index.ts';
import { verdicts } from '../../model/report.ts';
import { deliverNews } from '../deliver.ts';
import { linksToFleet } from '../tell.ts';
import { type FleetConclusionInput, type FleetReport, fleetConclusionInputSchema } from './messages.ts';
import { pageOfRun } from './page.ts';

/**
 * The report is the record of the message: it is written after the message was taken.
 *
 * @param deps - no notifiers send no digest
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
  const input = fleetConclusionInputSchema.parse(given);
  const worst = Math.max(
    ...input.clusters.map((each) =>
      verdicts.indexOf('verdict' in each && each.reached ? each.verdict : 'incomplete'),
    ),
  );
  const report: FleetReport = {
    schemaVersion: 1,
    kind: 'FleetReport',
    ...input,
    verdict: verdicts[worst] ?? 'incomplete',
    lost: input.clusters.filter((each) => !('verdict' in each)).length,
  };
  const key = keys.fleet(input.runId);
  // Before the message: what fails after it is told twice.
  const page = await pageOfRun(store, report, deps.consoleRegion);
  await store.putOnce(keys.fleetPage(input.runId), Buffer.from(page));
  if (input.digest && deps.notifiers.length > 0 && (await store.get(key)) === null) {
    const digest = digestOf(
      { runId: input.runId, clusters: input.clusters.map(lineOf) },
      linksToFleet(store, key, deps.consoleRegion),
    );
    await deliverNews(deps.notifiers, digest);
  }
  await store.putOnce(key, Buffer.from(`${JSON.stringify(report)}\n`));
  return report;
}

function lineOf(each: FleetReport['clusters'][number]): ClusterLine {
  if (!('verdict' in each))
    return { cluster: each.cluster, lost: true, reason: `${each.error.Error} ${each.error.Cause ?? ''}` };
  const { cluster, reached, verdict, findings, resolved } = each;
  return { cluster, lost: false, reached, verdict, findings, new: each.new, resolved };
}
