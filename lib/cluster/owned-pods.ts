/** Pods with their controllers, to recreate one and to find its replacement, or to move all away from a node. */
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';

const ownedPodSchema = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z
      .array(z.object({ kind: z.string(), uid: z.string(), controller: z.boolean().optional() }))
      .optional(),
  }),
  spec: z.object({
    nodeName: z.string().optional(),
    terminationGracePeriodSeconds: z.number().optional(),
    volumes: z.array(z.object({ emptyDir: z.object({}).nullish() })).optional(),
  }),
  status: z
    .object({
      phase: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
});

export type OwnedPod = {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string | null;
  readonly isDeleted: boolean;
  readonly isReady: boolean;
  /** It has ended by itself: its containers do not run any more. */
  readonly hasEnded: boolean;
  readonly graceSeconds: number;
  /** It keeps data in an emptyDir volume, which is lost with the pod. */
  readonly hasLocalData: boolean;
  /** The controller that recreates it; null for a bare pod. */
  readonly controller: { readonly kind: string; readonly uid: string } | null;
};

/** All pods of a namespace, with their controllers. @throws AuditError CLUSTER_*, ABORTED */
export async function listOwnedPods(
  cluster: Cluster,
  namespace: string,
  options: ListOptions = {},
): Promise<OwnedPod[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  return await listed(cluster, { what: `list pods in ${namespace}`, path }, options);
}

/** All pods of a node, with their controllers. @throws AuditError CLUSTER_*, ABORTED */
export async function listOwnedPodsOnNode(
  cluster: Cluster,
  node: string,
  options: ListOptions = {},
): Promise<OwnedPod[]> {
  const query = { fieldSelector: `spec.nodeName=${node}` };
  const pods = await listed(cluster, { what: `list pods on ${node}`, path: '/api/v1/pods', query }, options);
  return pods.filter((pod) => pod.node === node);
}

async function listed(
  cluster: Cluster,
  { what, path, query = {} }: { what: string; path: string; query?: Readonly<Record<string, string>> },
  options: ListOptions,
): Promise<OwnedPod[]> {
  const parsed = (item: unknown): OwnedPod => reduce(ownedPodSchema.parse(item));
  return (await listAll(cluster, what, path, query, parsed, options)).items;
}

function reduce({ metadata, spec, status }: z.infer<typeof ownedPodSchema>): OwnedPod {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    labels: metadata.labels ?? {},
    node: spec.nodeName ?? null,
    isDeleted: metadata.deletionTimestamp !== undefined,
    isReady: (status?.conditions ?? []).some((each) => each.type === 'Ready' && each.status === 'True'),
    hasEnded: ['Succeeded', 'Failed'].includes(status?.phase ?? ''),
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    hasLocalData: (spec.volumes ?? []).some(({ emptyDir }) => emptyDir != null),
    controller: owner === undefined ? null : { kind: owner.kind, uid: owner.uid },
  };
}

/** A disruption budget allows no eviction now; it may later, once other pods are ready. */
export class BudgetRefused extends AuditError {}

/**
 * Evicts a pod, which respects disruption budgets (unlike a delete), if it still has this uid.
 *
 * @param dryRun - only asks whether it would be
 * @throws AuditError CLUSTER_API with the server's words if a budget refuses, or the pod was replaced
 */
export async function evict(
  cluster: Cluster,
  { namespace, name, uid }: Pick<OwnedPod, 'namespace' | 'name' | 'uid'>,
  options: ListOptions = {},
  dryRun = false,
): Promise<void> {
  try {
    await cluster.transport.json({
      method: 'POST',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`,
      what: `evict pod ${namespacedName({ namespace, name })}`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid }, ...(dryRun ? { dryRun: ['All'] } : {}) },
      },
      ...options,
      // A refusing budget answers 429, which is no reason to retry for long.
      deadline: 15_000,
    });
  } catch (error) {
    // The answer may have been lost, and the first request may have removed the pod.
    if (statusOf(error) === 404) return;
    // An overloaded API server also answers 429.
    if (statusOf(error) !== 429 || !/disruption budget/i.test(messageOf(error))) throw error;
    throw new BudgetRefused(
      'CLUSTER_API',
      `a disruption budget refuses to evict ${namespacedName({ namespace, name })}`,
      {
        cause: error,
        remedy: `See which, and what it waits for: kubectl get poddisruptionbudgets -n ${namespace}`,
      },
    );
  }
}
