/** The demonstration: two recorded nights of one node, and a month of two clusters built from them. */
import type { Store } from '../history/index.ts';
import { DAY } from '../model/days.ts';
import type { ClusterReport } from '../model/report.ts';
import { newRunId } from '../model/run-id.ts';
import { concludeRun } from './conclude-run.ts';
import { type JudgedAgain, judgeAgain } from './evidence-files.ts';
import { publish } from './publish.ts';

/** The node before and after faults were planted on it. */
export type Recorded = { readonly healthy: JudgedAgain; readonly broken: JudgedAgain };

/**
 * @param healthy - archive of evidence; @param broken - likewise
 * @throws AuditError as {@link judgeAgain}
 */
export async function judgeRecorded(healthy: Uint8Array, broken: Uint8Array): Promise<Recorded> {
  return { healthy: await judgeAgain([healthy]), broken: await judgeAgain([broken]) };
}

/** Reports of the two recorded audits. */
export function recordedReports({ healthy, broken }: Recorded): readonly [ClusterReport, ClusterReport] {
  const before = concluded(healthy, null);
  return [before, concluded(broken, before)];
}

function concluded({ record, results }: JudgedAgain, previous: ClusterReport | null): ClusterReport {
  return concludeRun({ record, finishedAt: record.startedAt, results, previous, exceptions: [] });
}

/** Days ago at which the node turns into its broken or its healthy recording. */
const MONTH = {
  'demo-eu': [
    [30, 'healthy'],
    [9, 'broken'],
    [7, 'healthy'],
    [0, 'broken'],
  ],
  'demo-us': [
    [30, 'broken'],
    [12, 'healthy'],
  ],
} as const;

/**
 * Writes the last 30 nights of two clusters into the store, each compared with the one before.
 *
 * @returns the names of the clusters
 * @throws AuditError STORE
 */
export async function publishMonth(store: Store, recorded: Recorded, now: Date): Promise<string[]> {
  for (const [name, phases] of Object.entries(MONTH)) {
    let previous: ClusterReport | null = null;
    for (let daysAgo = 30; daysAgo >= 0; daysAgo--) {
      const state = phases.findLast(([from]) => from >= daysAgo)?.[1] ?? 'healthy';
      const at = new Date(now.getTime() - daysAgo * DAY);
      const { record, results } = recorded[state];
      previous = concludeRun({
        record: {
          ...record,
          runId: newRunId(at, name),
          cluster: { ...record.cluster, name, uid: name },
          scope: 'cluster',
          startedAt: at.toISOString(),
        },
        finishedAt: at.toISOString(),
        results,
        previous,
        exceptions: [],
      });
      await publish(store, previous);
    }
  }
  return Object.keys(MONTH);
}
