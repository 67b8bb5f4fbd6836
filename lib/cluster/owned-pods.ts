/** Pods with their controllers, to recreate one and to find its replacement. */
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
  spec: z.object({ nodeName: z.string().optional(), terminationGracePeriodSeconds: z.number().optional() }),
  status: z
    .object({
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
  readonly graceSeconds: number;
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
  const { items } = await listAll(
    cluster,
    `list pods in ${namespace}`,
    path,
    {},
    (item) => reduce(ownedPodSchema.parse(item)),
    options,
  );
  return items;
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
    graceSeconds: spec.terminationGracePeriodSeconds ?? 30,
    controller: owner === undefined ? null : { kind: owner.kind, uid: owner.uid },
  };
}

/**
 * Evicts a pod, which respects disruption budgets (unlike a delete), if it still has this uid.
 *
 * @throws AuditError CLUSTER_API with the server's words if a budget refuses, or the pod was replaced
 */
export async function evict(
  cluster: Cluster,
  { namespace, name, uid }: Pick<OwnedPod, 'namespace' | 'name' | 'uid'>,
  options: ListOptions = {},
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
        deleteOptions: { preconditions: { uid } },
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
    throw new AuditError(
      'CLUSTER_API',
      `a disruption budget refuses to evict ${namespacedName({ namespace, name })}`,
      {
        cause: error,
        remedy: `See which, and what it waits for: kubectl get poddisruptionbudgets -n ${namespace}`,
      },
    );
  }
}
