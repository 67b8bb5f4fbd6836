/** Begins a run: names it, claims it, and cuts it into clusters. */
import * as z from 'zod';
import { keys, type OnDamage, type Store } from '../../history/index.ts';
import type { ClusterConfig } from '../../model/clusters.ts';
import { type Found, isGone } from '../../model/discovery.ts';
import { newRunId } from '../../model/run-id.ts';
import { type FleetPlan, type FleetPlanInput, fleetPlanInputSchema, type Task } from './messages.ts';
import { readRegister } from './register.ts';
import { keepExceptions, keepTasks, readFound } from './work.ts';

const claimSchema = z.object({ execution: z.string() });

/**
 * Of all that begin the run of one schedule and time, the first one does it.
 *
 * @param onDamage - told of what in the store is damaged, and left out
 * @throws AuditError STORE
 */
export async function planFleet(store: Store, input: FleetPlanInput, onDamage: OnDamage): Promise<FleetPlan> {
  const { scheduledTime, schedule, execution, start, clusters, settings, exceptions, ...rest } =
    fleetPlanInputSchema.parse(input);
  const runId = newRunId(new Date(scheduledTime), schedule);
  const claim = keys.claim(runId);
  await store.putOnce(claim, Buffer.from(JSON.stringify({ execution })));
  // Read back, as the first answer may have got lost: then the second attempt meets its own claim.
  const held = await store.get(claim);
  const claimed =
    held !== null && claimSchema.parse(JSON.parse(Buffer.from(held.body).toString())).execution === execution;
  // Counts by the hour are no occasion.
  const digest = rest.digest && start.checks === 'all';
  if (!claimed) return { runId, claimed, tasks: '', count: 0, digest };
  await keepExceptions(store, runId, exceptions);
  const task = (cluster: ClusterConfig): Task => ({ runId, checks: start.checks, cluster, settings });
  const tasks = clusters.map(task);
  if (rest.discover !== undefined) {
    // Nothing where even looking failed: then what is known is audited.
    const found = (await readFound(store, runId)) ?? { clusters: [], gaps: [], looked: [], accounts: null };
    const listed = new Set(clusters.map(targetOf));
    const { there, gone } = known(found, await readRegister(store, onDamage));
    tasks.push(...there.filter((cluster) => !listed.has(targetOf(cluster))).map(task));
    // A part of the checks is no last word.
    if (start.checks === 'all')
      tasks.push(...gone.map((cluster) => ({ ...task(cluster), removed: true as const })));
  }
  return { runId, claimed, tasks: await keepTasks(store, runId, tasks), count: tasks.length, digest };
}

/** What was found, and of what was found before what is still taken to be there. */
function known(
  found: Found,
  before: readonly ClusterConfig[],
): { readonly there: ClusterConfig[]; readonly gone: ClusterConfig[] } {
  const names = new Set(found.clusters.map(({ name }) => name));
  const rest = before.filter(({ name }) => !names.has(name));
  return {
    there: [...found.clusters, ...rest.filter(({ name }) => !isGone(name, found))],
    gone: rest.filter(({ name }) => isGone(name, found)),
  };
}

/** A cluster that is listed and found is audited as it is listed, under its name there. */
function targetOf(cluster: ClusterConfig): string {
  if (!('eks' in cluster)) return cluster.name;
  const account = cluster.eks.roleArn?.split(':')[4] ?? '';
  return [account, cluster.eks.region, cluster.eks.name].join('/');
}
