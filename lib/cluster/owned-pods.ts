/** Pods with who made them, to recreate one and to find the one that was made in its place. */
import * as z from 'zod';
import { AuditError, messageOf } from '../model/errors.ts';
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
  /** Who makes another one; null for a bare pod. */
  readonly controller: { readonly kind: string; readonly uid: string } | null;
};

/** All pods of a namespace, with their controllers. */
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
 * Evicts a pod, which respects disruption budgets (and a delete would not), if it still is the one with this uid.
 *
 * @throws AuditError CLUSTER_API with the server's words where a budget refuses, or the pod is another by now
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
      what: `evict pod ${namespace}/${name}`,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { namespace, name },
        deleteOptions: { preconditions: { uid } },
      },
      ...options,
      // A budget that refuses answers 429, which is no reason to go on asking for long.
      deadline: 15_000,
    });
  } catch (error) {
    // An answer may have been lost, and the pod be gone by the first request.
    if (statusOf(error) === 404) return;
    // An API server that has too much to do answers 429 as well.
    if (statusOf(error) !== 429 || !/disruption budget/i.test(messageOf(error))) throw error;
    throw new AuditError('CLUSTER_API', `a disruption budget refuses to evict ${namespace}/${name}`, {
      cause: error,
      remedy: `See which, and what it waits for: kubectl get poddisruptionbudgets -n ${namespace}`,
    });
  }
}
