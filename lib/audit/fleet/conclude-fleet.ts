/** Ends a run: one report of all its clusters. */
import { keys, type Store } from '../../history/index.ts';
import { verdicts } from '../../model/report.ts';
import type { FleetConclusionInput, FleetReport } from './messages.ts';

/** @throws AuditError STORE */
export async function concludeFleet(store: Store, input: FleetConclusionInput): Promise<FleetReport> {
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
