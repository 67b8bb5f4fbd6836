/** The audit of a fleet in one process: the steps of the state machine, in its order and with its tolerance. */
import * as z from 'zod';
import type { Notifier } from '../../alert/index.ts';
import type { Store } from '../../history/index.ts';
import type { Config } from '../../model/config.ts';
import type { Discover, Found } from '../../model/discovery.ts';
import { AuditError, messageOf } from '../../model/errors.ts';
import { forEachLimited } from '../../model/limit.ts';
import { withRemedy } from '../../model/text.ts';
import { auditBatchOfFleet } from './audit-batch.ts';
import { concludeClusterOfFleet } from './conclude-cluster.ts';
import { concludeFleet } from './conclude-fleet.ts';
import type { Connections } from './connections.ts';
import { discoverFleet } from './discover.ts';
import {
  batchSchema,
  type Conclusion,
  type FleetConclusionInput,
  type FleetReport,
  failureText,
  type StepFailure,
  type Task,
} from './messages.ts';
import { planClusterOfFleet } from './plan-cluster.ts';
import { planFleet } from './plan-fleet.ts';
import { readTasks } from './work.ts';
import { WorkInMemory } from './work-in-memory.ts';

export type FleetProgress =
  | { readonly kind: 'planned'; readonly cluster: string; readonly nodes: number }
  /** No answer, and a retry follows; reported once per cluster. */
  | { readonly kind: 'unanswered'; readonly cluster: string; readonly error: AuditError }
  /** Something in the store is damaged, and left out; reported once. */
  | { readonly kind: 'damaged'; readonly cluster: string; readonly error: AuditError }
  /** A cluster, or a batch of its nodes, that could not be audited. */
  | { readonly kind: 'failed'; readonly cluster: string; readonly error: unknown }
  | { readonly kind: 'concluded'; readonly conclusion: Conclusion };

export type FleetDeps = {
  readonly connections: Omit<Connections, 'onDamage'>;
  /** Asks AWS where clusters are. */
  readonly find: (discover: Discover) => Promise<Found>;
  /** Without any, nobody is notified, and news stays news for a later run. */
  readonly notifiers: readonly Notifier[];
  /** Ends the run: pods are removed, nothing is concluded. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FleetProgress) => void;
};

/**
 * Every cluster gets a report, even if unreachable.
 *
 * @param store - null keeps nothing
 * @returns the run's report, and where its clusters' reports are
 * @throws AuditError ABORTED, STORE
 */
export async function runFleet(
  store: Store | null,
  config: Pick<
    Config,
    'clusters' | 'discover' | 'probe' | 'thresholds' | 'concurrency' | 'exceptions' | 'digest' | 'schedule'
  >,
  deps: FleetDeps,
): Promise<{ readonly fleet: FleetReport; readonly store: Store }> {
  const own = new WorkInMemory(store);
  const execution = `${process.pid} ${Math.random()}`;
  const { clusters, probe, thresholds, concurrency, exceptions, digest, schedule } = config;
  // Here no alarm watches the schedule: a run itself reports missed runs before it.
  const expectedWithinHours = schedule.enabled ? schedule.expectedWithinHours : undefined;
  const onDamage = (error: AuditError): void => deps.onProgress({ kind: 'damaged', cluster: '', error });
  const begun = { scheduledTime: new Date().toISOString(), schedule: `by hand ${execution}` };
  const { discover } = config;
  if (discover !== undefined) await discoverFleet(own, { ...begun, discover }, deps.find);
  const { runId } = await planFleet(
    own,
    {
      ...begun,
      execution,
      clusters,
      ...(discover === undefined ? {} : { discover }),
      exceptions,
      digest,
      settings: { probe, thresholds, concurrency },
    },
    onDamage,
  );
  const tasks = await readTasks(own, runId);
  const ends = new Map<string, FleetConclusionInput['clusters'][number]>();
  await forEachLimited(tasks, concurrency.clusters, async (task) => {
    ends.set(task.cluster.name, await auditClusterOfFleet(own, task, deps, expectedWithinHours));
  });
  const ended = tasks.flatMap(({ cluster }) => ends.get(cluster.name) ?? []);
  const { notifiers } = deps;
  const fleet = await concludeFleet(
    own,
    { runId, digest, clusters: ended },
    { notifiers, consoleRegion: null },
  );
  return { fleet, store: own };
}

async function auditClusterOfFleet(
  store: Store,
  task: Task,
  deps: FleetDeps,
  expectedWithinHours: number | undefined,
): Promise<FleetConclusionInput['clusters'][number]> {
  const cluster = task.cluster.name;
  const { notifiers, signal, onProgress } = deps;
  let said = false;
  const damages = new Set<string>();
  const onDamage = (damage: AuditError): void => {
    if (!damages.has(damage.message)) onProgress({ kind: 'damaged', cluster, error: damage });
    damages.add(damage.message);
  };
  const connections: Connections = {
    ...deps.connections,
    onDamage,
    onUnanswered: (unanswered) => {
      // Each batch has its own connection.
      if (!said) onProgress({ kind: 'unanswered', cluster, error: unanswered });
      said = true;
    },
  };
  const failed = (error: unknown): void => {
    if (signal.aborted) throw interrupted();
    onProgress({ kind: 'failed', cluster, error });
  };
  let failure: StepFailure | null = null;
  try {
    const plan = await planClusterOfFleet(store, task, connections, signal);
    onProgress({ kind: 'planned', cluster, nodes: plan.nodes });
    const batches = await batchesAt(store, plan.batches);
    await forEachLimited(batches, task.settings.concurrency.batches, async (batch) => {
      // The report counts nodes of a lost batch as failed.
      await auditBatchOfFleet(store, batch, connections, signal).catch(failed);
    });
  } catch (thrown) {
    failed(thrown);
    failure = failureOf(thrown);
  }
  if (signal.aborted) throw interrupted();
  try {
    const conclusion = await concludeClusterOfFleet(
      store,
      { task, failure },
      {
        notifiers,
        version: connections.version,
        onDamage,
        consoleRegion: null,
        ...(expectedWithinHours === undefined ? {} : { expectedWithinHours }),
      },
    );
    onProgress({ kind: 'concluded', conclusion });
    return conclusion;
  } catch (thrown) {
    failed(thrown);
    return { cluster, reason: failureText(failureOf(thrown)) };
  }
}

async function batchesAt(store: Store, key: string): Promise<z.infer<typeof batchSchema>[]> {
  const stored = await store.get(key);
  return z.array(batchSchema).parse(JSON.parse(Buffer.from(stored?.body ?? '[]').toString()));
}

function failureOf(thrown: unknown): StepFailure {
  return thrown instanceof AuditError
    ? { code: thrown.code, message: withRemedy(thrown.message, thrown.remedy) }
    : { code: 'Error', message: messageOf(thrown) };
}

function interrupted(): AuditError {
  return new AuditError('ABORTED', 'interrupted: the probe pods are removed', { remedy: 'Run it again.' });
}
