/** Begins a run: names it, claims it, and splits it into clusters. */
import * as z from 'zod';
import { keys, type OnDamage, type Store } from '../../history/index.ts';
import { partsOfArn } from '../../model/arn.ts';
import type { ClusterConfig } from '../../model/clusters.ts';
import { type Found, foundName, isGone } from '../../model/discovery.ts';
import { placedIn } from '../../model/vpc-networks.ts';
import { type FleetPlan, type FleetPlanInput, fleetPlanInputSchema, type Task } from './messages.ts';
import { readRegister } from './register.ts';
import { scheduledRunId } from './scheduled-run.ts';
import { keepExceptions, keepTasks, readFound } from './work.ts';

const claimSchema = z.object({ execution: z.string() });

/**
 * If several begin the run of one schedule and time, only the first does it.
 *
 * @param onDamage - called for damaged parts of the store, which are left out
 * @throws AuditError STORE
 */
export async function planFleet(store: Store, input: FleetPlanInput, onDamage: OnDamage): Promise<FleetPlan> {
  const { scheduledTime, schedule, execution, start, clusters, settings, exceptions, networks, ...rest } =
    fleetPlanInputSchema.parse(input);
  const runId = scheduledRunId(store, { scheduledTime, schedule });
  const claim = keys.claim(runId);
  await store.putOnce(claim, Buffer.from(JSON.stringify({ execution })));
  // Read back, as the first answer may be lost: then the retry finds its own claim.
  const held = await store.get(claim);
  const claimed =
    held !== null && claimSchema.parse(JSON.parse(Buffer.from(held.body).toString())).execution === execution;
  // Not for hourly counts.
  const digest = rest.digest && start.checks === 'all';
  if (!claimed) return { runId, claimed, tasks: '', count: 0, digest };
  await keepExceptions(store, runId, exceptions);
  const task = (cluster: ClusterConfig): Task => ({ runId, checks: start.checks, cluster, settings });
  const tasks = clusters.map(task);
  if (rest.discover !== undefined) {
    // Nothing if discovery failed: then the known clusters are audited.
    const found = (await readFound(store, runId)) ?? { clusters: [], gaps: [], looked: [], accounts: null };
    const { account } = partsOfArn(execution);
    const listed = new Set(clusters.map((cluster) => targetOf(cluster, account)));
    const isListed = (cluster: ClusterConfig): boolean => listed.has(targetOf(cluster, account));
    const { there, gone } = known(found, await readRegister(store, onDamage), isListed);
    tasks.push(...there.map((cluster) => task(placedIn(networks, cluster))));
    // Only a run of all checks may conclude that.
    if (start.checks === 'all')
      tasks.push(...gone.map((cluster) => ({ ...task(cluster), removed: true as const })));
  }
  return { runId, claimed, tasks: await keepTasks(store, runId, tasks), count: tasks.length, digest };
}

/**
 * Clusters found now, and those found before that may still exist; and those of before that are gone, or listed by now:
 * a last report resolves what was open under the name that they were found by.
 */
function known(
  found: Found,
  before: readonly ClusterConfig[],
  isListed: (cluster: ClusterConfig) => boolean,
): { readonly there: ClusterConfig[]; readonly gone: ClusterConfig[] } {
  const names = new Set(found.clusters.map(({ name }) => name));
  const isOver = (cluster: ClusterConfig): boolean =>
    isListed(cluster) || (!names.has(cluster.name) && isGone(cluster.name, found));
  const rest = before.filter((cluster) => !names.has(cluster.name) && !isOver(cluster));
  return {
    there: [...found.clusters.filter((cluster) => !isListed(cluster)), ...rest],
    gone: before.filter(isOver),
  };
}

/**
 * A cluster both listed and found is audited as listed, under its listed name.
 *
 * @param own - account of clusters without a role
 */
function targetOf(cluster: ClusterConfig, own: string): string {
  if (!('eks' in cluster)) return cluster.name;
  const { name, region, roleArn } = cluster.eks;
  return foundName(roleArn === undefined ? own : partsOfArn(roleArn).account, region, name);
}
