/** Data that the states of one run share in the store, below work/. */
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { keys, problemOf, type Run, type Store, unpacked } from '../../history/index.ts';
import { cniRecordsSchema } from '../../model/cni-records.ts';
import { NO_NETWORK_POLICIES, networkPoliciesSchema } from '../../model/crossing.ts';
import { type Found, foundSchema } from '../../model/discovery.ts';
import { AuditError, messageOf } from '../../model/errors.ts';
import { type Exception, exceptionsSchema } from '../../model/exception.ts';
import { clusterFactsSchema, eventSchema } from '../../model/kubernetes.ts';
import { type NodeResult, nodeResultSchema } from '../../model/node-result.ts';
import { serviceEndpointsSchema } from '../../model/service-endpoints.ts';
import { runRecordSchema } from '../../probe/index.ts';
import { type Conclusion, conclusionSchema, itemSchema, type Task } from './messages.ts';

const planSchema = z.object({
  record: runRecordSchema,
  events: z.array(eventSchema),
  facts: clusterFactsSchema,
  cniRecords: cniRecordsSchema,
  serviceEndpoints: serviceEndpointsSchema,
  networkPolicies: networkPoliciesSchema.default(NO_NETWORK_POLICIES),
  /** Node names of each batch, to name nodes without results. */
  batches: z.array(z.array(z.string())),
});
const batchNodesSchema = z.object({ nodes: z.array(z.object({ node: z.object({ name: z.string() }) })) });
export type StoredPlan = z.infer<typeof planSchema>;

const PLAN = 'plan.json.gz';
const BATCHES = 'batches.json';
const CONCLUSION = 'conclusion.json';
const resultsOf = (batch: number): string => `${batch}.ndjson.gz`;

/** Key of the batches of a cluster's run. */
export const batchesKey = (run: Run): string => keys.work(run, BATCHES);

/**
 * @param batches - JSON of a state's input each
 * @returns the plan that holds: that of an earlier attempt, if any
 * @throws AuditError STORE
 */
export async function keepPlan(
  store: Store,
  run: Run,
  plan: Omit<StoredPlan, 'batches'>,
  batches: readonly z.infer<typeof batchNodesSchema>[],
): Promise<StoredPlan> {
  // Batches first: where the plan exists, they do too. An attempt may have ended between the two, when the
  // cluster had other nodes: its batches are audited, so the plan must name them.
  const key = batchesKey(run);
  const held =
    (await store.putOnce(key, Buffer.from(JSON.stringify(batches)))) === 'written'
      ? batches
      : await readBatches(store, key);
  const whole = { ...plan, batches: held.map(({ nodes }) => nodes.map(({ node }) => node.name)) };
  await store.putOnce(keys.work(run, PLAN), gzipSync(JSON.stringify(whole)));
  return (await readPlan(store, run)) ?? whole;
}

async function readBatches(store: Store, key: string): Promise<z.infer<typeof batchNodesSchema>[]> {
  const stored = await store.get(key);
  const text = Buffer.from(stored?.body ?? '[]').toString();
  return parse(store, key, () => z.array(batchNodesSchema).parse(JSON.parse(text)));
}

/** Keeps the exceptions of a run for the conclusion of each cluster. @throws AuditError STORE */
export async function keepExceptions(
  store: Store,
  runId: string,
  exceptions: readonly Exception[],
): Promise<void> {
  await store.putOnce(keys.exceptions(runId), Buffer.from(JSON.stringify(exceptions)));
}

/** Empty where none were kept: an older version planned the run. @throws AuditError STORE */
export async function readKeptExceptions(store: Store, runId: string): Promise<Exception[]> {
  const key = keys.exceptions(runId);
  const stored = await store.get(key);
  if (stored === null) return [];
  return parse(store, key, () => exceptionsSchema.parse(JSON.parse(Buffer.from(stored.body).toString())));
}

/**
 * @returns the key, from which the states read them one by one
 * @throws AuditError STORE
 */
export async function keepTasks(store: Store, runId: string, tasks: readonly Task[]): Promise<string> {
  const key = keys.tasks(runId);
  await store.putOnce(key, Buffer.from(JSON.stringify(tasks.map((task) => ({ task })))));
  return key;
}

/**
 * The clusters of a run; empty where no list was kept.
 *
 * @throws AuditError STORE, also if the list is damaged
 */
export async function readTasks(store: Store, runId: string): Promise<Task[]> {
  const items = await readJson(store, keys.tasks(runId), z.array(itemSchema));
  return (items ?? []).map(({ task }) => task);
}

/** The clusters that discovery found for a run; null if it did not look. @throws AuditError STORE */
export async function readFound(store: Store, runId: string): Promise<Found | null> {
  return await readJson(store, keys.found(runId), foundSchema);
}

/**
 * Keeps the first attempt's conclusion: a later one only differs in whether it sent a message.
 * @throws AuditError STORE
 */
export async function keepConclusion(store: Store, run: Run, conclusion: Conclusion): Promise<void> {
  await store.putOnce(keys.work(run, CONCLUSION), Buffer.from(JSON.stringify(conclusion)));
}

/**
 * A run's conclusion about a cluster; null where it did not get that far.
 *
 * @throws AuditError STORE, also if it is damaged
 */
export async function readConclusion(store: Store, run: Run): Promise<Conclusion | null> {
  return await readJson(store, keys.work(run, CONCLUSION), conclusionSchema);
}

async function readJson<T>(store: Store, key: string, schema: z.ZodType<T>): Promise<T | null> {
  const stored = await store.get(key);
  if (stored === null) return null;
  return parse(store, key, () => schema.parse(JSON.parse(Buffer.from(stored.body).toString())));
}

/** Null when the cluster was never planned. @throws AuditError STORE */
export async function readPlan(store: Store, run: Run): Promise<StoredPlan | null> {
  const key = keys.work(run, PLAN);
  const stored = await store.get(key);
  return stored === null
    ? null
    : parse(store, key, () => planSchema.parse(JSON.parse(unpacked(store, key, stored.body))));
}

/**
 * Keeps the node results of one batch, one JSON line each. Existing results stay.
 *
 * @throws AuditError STORE
 */
export async function keepResults(
  store: Store,
  run: Run,
  batch: number,
  results: readonly NodeResult[],
): Promise<void> {
  const lines = results.map((result) => `${JSON.stringify(result)}\n`).join('');
  await store.putOnce(keys.work(run, resultsOf(batch)), gzipSync(lines));
}

/**
 * The results of a batch, unpacked on demand: thousands of nodes are too much to hold at once.
 *
 * @returns null when the batch has no results (yet)
 * @throws AuditError STORE, here or from the returned function
 */
export async function readResults(
  store: Store,
  run: Run,
  batch: number,
): Promise<(() => NodeResult[]) | null> {
  const key = keys.work(run, resultsOf(batch));
  const stored = await store.get(key);
  if (stored === null) return null;
  return () =>
    parse(store, key, () =>
      unpacked(store, key, stored.body)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => nodeResultSchema.parse(JSON.parse(line))),
    );
}

function parse<T>(store: Store, key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof AuditError) throw error;
    const problem = error instanceof z.ZodError ? problemOf(error) : messageOf(error).slice(0, 200);
    throw new AuditError('STORE', `${store.location}/${key} is not what this version writes: ${problem}`, {
      cause: error,
      remedy: 'A run must start and end with the same version of netns-auditor.',
    });
  }
}
