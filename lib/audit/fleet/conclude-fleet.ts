/** Ends a run: one report of all its clusters. */
import { keys, type Store } from '../../history/index.ts';
import { verdicts } from '../../model/report.ts';
import { type FleetConclusionInput, type FleetReport, fleetConclusionInputSchema } from './messages.ts';

/** @throws AuditError STORE */
export async function concludeFleet(store: Store, given: FleetConclusionInput): Promise<FleetReport> {
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
  await store.putOnce(keys.fleet(input.runId), Buffer.from(`${JSON.stringify(report)}\n`));
  return report;
}
