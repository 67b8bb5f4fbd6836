/** Removes leftover debug pods of netns-auditor. */
import * as z from 'zod';
import { namespacedName } from '../model/namespaced-name.ts';
import {
  ATTEMPT_LABEL,
  BATCH_LABEL,
  COMPONENT_LABEL,
  EXPIRES_ANNOTATION,
  OWN_PODS,
} from '../model/own-pods.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';

const ownPodSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
});

/**
 * @param now - milliseconds; only removes pods whose `expires` has passed by then, so that parallel runs leave
 *   each other alone. Null removes all.
 * @param options - component: only pods of that kind
 * @returns `namespace/name` of the pods it removed, and of those it kept
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function sweep(
  cluster: Cluster,
  namespace: string,
  now: number | null,
  { component, ...options }: ListOptions & { readonly component?: 'repair' } = {},
): Promise<{ removed: string[]; left: string[] }> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const { items } = await listAll(
    cluster,
    `list pods in ${namespace}`,
    path,
    {
      labelSelector: component === undefined ? OWN_PODS : `${OWN_PODS},${COMPONENT_LABEL}=${component}`,
    },
    (item) => ownPodSchema.parse(item).metadata,
    options,
  );
  const isDue = (pod: (typeof items)[number]): boolean =>
    now === null || Date.parse(pod.annotations?.[EXPIRES_ANNOTATION] ?? '') <= now;
  const due = items.filter(isDue);
  const removed = await Promise.all(
    due.map(async (pod) =>
      (await deletePod(cluster, pod.namespace, pod.name, options)) ? namespacedName(pod) : null,
    ),
  );
  return {
    removed: removed.filter((name) => name !== null),
    left: items.filter((pod) => !isDue(pod)).map(namespacedName),
  };
}

/**
 * Deletes, by default without a grace period: our pods need none.
 *
 * @param options - uid: only this pod, and no later one of its name
 * @returns false if it was already gone
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function deletePod(
  cluster: Cluster,
  namespace: string,
  name: string,
  { uid, ...options }: ListOptions & { readonly uid?: string | undefined } = {},
  gracePeriodSeconds = 0,
): Promise<boolean> {
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  try {
    await cluster.transport.json({
      method: 'DELETE',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`,
      what: `delete pod ${namespacedName({ namespace, name })}`,
      body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, ...preconditions },
      answer: 'metadata',
      ...options,
    });
    return true;
  } catch (error) {
    if (statusOf(error) === 404 || (uid !== undefined && statusOf(error) === 409)) return false;
    throw error;
  }
}

/**
 * Deletes all pods that one process created for a batch, without a grace period. Of the namespace's other pods, none has
 * all three labels.
 *
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function deletePodsOfBatch(
  cluster: Cluster,
  namespace: string,
  { attempt, batch }: { readonly attempt: string; readonly batch: string },
  options: ListOptions = {},
): Promise<void> {
  await cluster.transport.json({
    method: 'DELETE',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
    query: { labelSelector: `${OWN_PODS},${ATTEMPT_LABEL}=${attempt},${BATCH_LABEL}=${batch}` },
    what: `delete the pods of batch ${batch} in ${namespace}`,
    body: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 },
    answer: 'metadataOfList',
    ...options,
  });
}
