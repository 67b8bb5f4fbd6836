/** Creating a pod that only we create: conflicts, an abort meanwhile, and refusals in words. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { ATTEMPT_LABEL } from '../model/own-pods.ts';
import { grantRights, statusOf, userIn } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll } from './list.ts';
import { deletePod } from './sweep.ts';
import { aborted, pause } from './transport.ts';

/** The part of a pod that we set; the rest of the manifest is the caller's. */
export type PodManifest = {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName: string };
};

/** A canceled creation may still take place after our deletion: let it finish before removing its pod. */
const CREATE_GRACE_MILLISECONDS = 5_000;

/** Pods created at the same time conflict if the namespace has a quota. */
const CONFLICT_PAUSE_MILLISECONDS = 500;

const createdSchema = z.object({ metadata: z.object({ uid: z.string() }) });

const existingSchema = z.object({
  metadata: z.object({ uid: z.string(), labels: z.record(z.string(), z.string()).optional() }),
});

/**
 * Creates the pod. There may be one of its name, which contains run and node. If its attempt is this one, only the answer
 * to its creation was lost: it may be at work already, so it is taken. Otherwise it is of a process that was killed: its
 * log may be older than what we listed, so it is deleted first.
 *
 * @returns its uid
 * @throws AuditError PROBE_REFUSED, CLUSTER_*, ABORTED
 */
export async function createPod(
  cluster: Cluster,
  manifest: PodManifest,
  options: { readonly signal: AbortSignal; readonly deadline: number },
): Promise<string> {
  const { name, namespace } = manifest.metadata;
  const what = `create pod ${namespacedName({ namespace, name })}`;
  if (options.signal.aborted) throw aborted(what);
  const { signal, stop } = delayed(options.signal, CREATE_GRACE_MILLISECONDS);
  const end = Date.now() + options.deadline;
  try {
    for (;;) {
      try {
        const created = await cluster.transport.json({
          method: 'POST',
          path: `/api/v1/namespaces/${namespace}/pods`,
          what,
          body: manifest,
          answer: 'metadata',
          signal,
          deadline: Math.max(1, end - Date.now()),
        });
        return createdSchema.parse(created).metadata.uid;
      } catch (error) {
        const isLate = Date.now() + CONFLICT_PAUSE_MILLISECONDS >= end;
        if (statusOf(error) !== 409 || isLate || options.signal.aborted) throw error;
        if (!isQuotaConflict(error)) {
          const there = await existing(cluster, manifest, { signal });
          if (there?.isOurs) return there.uid;
          if (there !== null) await deletePod(cluster, namespace, name, { signal, uid: there.uid });
        }
        await pause(Math.random() * CONFLICT_PAUSE_MILLISECONDS, signal, what);
      }
    }
  } catch (error) {
    throw refusal(error, namespace);
  } finally {
    stop();
  }
}

/** The pod of this name, and whether this attempt created it. */
export async function existing(
  cluster: Cluster,
  { metadata: { name, namespace, labels } }: PodManifest,
  options: ListOptions,
): Promise<{ readonly uid: string; readonly isOurs: boolean } | null> {
  const { items } = await listAll(
    cluster,
    `look for pod ${namespacedName({ namespace, name })}`,
    `/api/v1/namespaces/${namespace}/pods`,
    { fieldSelector: `metadata.name=${name}` },
    (item) => existingSchema.parse(item).metadata,
    options,
  );
  const [found] = items;
  if (found === undefined) return null;
  const attempt = labels[ATTEMPT_LABEL];
  return { uid: found.uid, isOurs: attempt !== undefined && found.labels?.[ATTEMPT_LABEL] === attempt };
}

/** A signal that aborts this many milliseconds after another. Call `stop` when it is no longer needed. */
function delayed(signal: AbortSignal, milliseconds: number): { signal: AbortSignal; stop: () => void } {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer = setTimeout(() => late.abort(), milliseconds);
  };
  signal.addEventListener('abort', start, { once: true });
  return {
    signal: late.signal,
    stop: () => {
      signal.removeEventListener('abort', start);
      clearTimeout(timer);
    },
  };
}

/** 409 for the quota object, not for the pod: the pod was not created. */
function isQuotaConflict(error: unknown): boolean {
  return error instanceof AuditError && statusOf(error) === 409 && error.message.includes('resourcequotas');
}

/** A quota refuses the pod, as there are as many pods as it allows. */
export function isOverQuota(error: unknown): error is AuditError {
  return (
    error instanceof AuditError && error.code === 'PROBE_REFUSED' && error.message.includes('exceeded quota')
  );
}

/** The error of a pod's creation: a refusal of its content, or the original error. */
export function refusal(error: unknown, namespace: string): unknown {
  if (!(error instanceof AuditError) || error.code === 'ABORTED') return error;
  const status = statusOf(error);
  if (status === null || status === 401 || status >= 500) return error;
  return new AuditError('PROBE_REFUSED', `the cluster refused the probe pod: ${error.message}`, {
    cause: error,
    remedy: refusedRemedy(error.message, namespace),
  });
}

function refusedRemedy(message: string, namespace: string): string {
  if (message.includes('PodSecurity')) {
    return `Allow it in its namespace only: kubectl label namespace ${namespace} pod-security.kubernetes.io/enforce=privileged --overwrite`;
  }
  if (message.includes("ValidatingAdmissionPolicy 'netns-auditor'")) {
    return 'Apply the policy of this version and for this image (with the chart: helm upgrade): netns-audit manifests --image IMAGE | kubectl apply -f -';
  }
  if (message.includes("ValidatingAdmissionPolicy 'netns-auditor-remediate'")) {
    if (message.includes('must have the right to patch it'))
      return 'Join the group that may reboot nodes: netns-audit manifests --remediate --reboot prints its rights';
    return 'Apply the policy of this version and for this image: netns-audit manifests --remediate --image IMAGE | kubectl apply -f -';
  }
  if (message.includes('admission webhook') || message.includes('ValidatingAdmissionPolicy')) {
    return `Exempt the namespace ${namespace} from that policy; deploy/admission-policy.yaml admits nothing there but the probe pod.`;
  }
  if (message.includes('security context constraint')) {
    return `Allow it in its namespace only: oc adm policy add-scc-to-user privileged -z default -n ${namespace}`;
  }
  if (message.includes('quota'))
    return (
      `Raise the quota of the namespace ${namespace} to one pod for each node that is probed at once, or probe ` +
      'fewer at once: --concurrency; on AWS concurrency.nodes × concurrency.batches.'
    );
  if (/(?:minimum|maximum) \w+ usage per/.test(message))
    return `Remove the LimitRange of the namespace ${namespace}, or let it admit requests of 10m CPU and 32Mi, and a limit of 256Mi.`;
  if (message.includes('not found'))
    return 'Create the namespace and the roles (with the chart: helm upgrade): netns-audit manifests | kubectl apply -f -';
  return grantRights(userIn(message), namespace);
}
