/** The rights in a cluster, and whether it would admit a pod, tested without changing anything. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { statusOf } from './api-error.ts';
import type { Cluster, Connection } from './connect.ts';
import { type PodManifest, refusal } from './create-pod.ts';

/** One verb on one resource; without a namespace: in the whole cluster. */
export type Right = {
  /** @default the core group */
  readonly group?: string;
  readonly verb: string;
  /** `pods`, or with a subresource `pods/log`. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
};

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

const reviewOfSelfSchema = z.object({ status: z.object({ userInfo: z.object({ username: z.string() }) }) });

/**
 * The user that the API server sees; null if it does not say, as before Kubernetes 1.28.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function whoAmI({ transport }: Connection, signal?: AbortSignal): Promise<string | null> {
  try {
    const answer = await transport.json({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      what: 'ask who I am',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      ...(signal === undefined ? {} : { signal }),
    });
    return reviewOfSelfSchema.parse(answer).status.userInfo.username;
  } catch (error) {
    if (error instanceof z.ZodError || [403, 404].includes(statusOf(error) ?? 0)) return null;
    throw error;
  }
}

/** Every user may ask this about their own rights. @throws AuditError CLUSTER_* */
export async function isAllowed(cluster: Connection, right: Right, signal?: AbortSignal): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const answer = await cluster.transport.json({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    what: `ask for the right to ${right.verb} ${right.resource}`,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          verb: right.verb,
          resource,
          ...(right.group === undefined ? {} : { group: right.group }),
          ...(subresource === undefined ? {} : { subresource }),
          ...(right.namespace === undefined ? {} : { namespace: right.namespace }),
          ...(right.name === undefined ? {} : { name: right.name }),
        },
      },
    },
    ...(signal === undefined ? {} : { signal }),
  });
  const review = reviewSchema.safeParse(answer);
  if (review.success) return review.data.status.allowed;
  throw new AuditError('CLUSTER_API', 'the answer about a right is none', {
    cause: review.error,
    remedy: 'Check the server in the kubeconfig.',
  });
}

/**
 * Runs admission (Pod Security, quotas, policies, webhooks) like a real creation of the pod, and starts nothing.
 *
 * @returns false if a webhook does not support a dry run
 * @throws AuditError PROBE_REFUSED, CLUSTER_*
 */
export async function wouldAdmit(
  cluster: Cluster,
  manifest: PodManifest,
  signal?: AbortSignal,
): Promise<boolean> {
  const { name, namespace } = manifest.metadata;
  try {
    await cluster.transport.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: { dryRun: 'All' },
      what: `create pod ${namespacedName({ namespace, name })}`,
      body: manifest,
      ...(signal === undefined ? {} : { signal }),
    });
    return true;
  } catch (error) {
    if (statusOf(error) === 400 && /dry.?run/i.test(String(error))) return false;
    throw refusal(error, namespace);
  }
}
