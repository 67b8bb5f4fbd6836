/**
 * Whether the kubelet of a node is alive while it does nothing for a pod. How we can tell: docs/traps.md T54.
 */
import * as z from 'zod';
import { AuditError, unlessFailed } from '../model/errors.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { listNode } from './list.ts';
import { pause } from './transport.ts';

/** In milliseconds. */
export type Patience = {
  /** A kubelet handles a pod within a second or two; after this we check on it. */
  readonly firstLook: number;
  /** Without a sign of life for this long it is silent. Kubelets renew their lease every 10 s. */
  readonly silent: number;
};

export const PATIENCE: Patience = { firstLook: 3_000, silent: 20_000 };

/** A check is abandoned after this, and proves nothing. */
const LOOK_MILLISECONDS = 5_000;

/** Changes with each renewal; if the lease cannot be read, whether the cluster still hears from the node. */
type Sign = { readonly lease: string; readonly seconds: number } | { readonly reports: boolean };

const leaseSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  // How long the cluster waits for a renewal; the kubelet renews it after a quarter of that.
  spec: z.object({
    renewTime: z.string(),
    leaseDurationSeconds: z.number().int().min(1).max(3600).default(40),
  }),
});

/**
 * Watches the kubelet of a node while somebody waits for a pod. Costs nothing while the pod progresses, one request
 * after 3 s without progress, and one every 20 s from then on.
 *
 * @param heard - what the kubelet last wrote about the pod: any value that changes with it; null before the first
 * @param stop - aborts when nobody waits any longer
 * @returns a signal that aborts with an AuditError NODE_SILENT
 */
export function silenceOf(
  cluster: Cluster,
  node: string,
  heard: () => string | null,
  stop: AbortSignal,
  patience: Patience,
): AbortSignal {
  const silence = new AbortController();
  watchOver(cluster, node, heard, stop, patience).then(
    (error) => silence.abort(error),
    // Nobody waits any longer.
    () => {},
  );
  return silence.signal;
}

async function watchOver(
  cluster: Cluster,
  node: string,
  heard: () => string | null,
  stop: AbortSignal,
  { firstLook, silent }: Patience,
): Promise<AuditError> {
  const what = `watch over node ${node}`;
  for (;;) {
    const word = heard();
    await pause(word === null ? firstLook : silent, stop, what);
    let before: { readonly sign: Sign; readonly at: number } | null = null;
    for (; heard() === word; await pause(silent, stop, what)) {
      const sign = await look(cluster, node, stop);
      if (sign === null) continue;
      const at = performance.now();
      if (before === null || !isSame(before.sign, sign)) before = { sign, at };
      else if (heard() === word && at - before.at >= patienceWith(sign, silent) - EARLY)
        return silentKubelet(node, word !== null, Math.round((at - before.at) / 1000));
    }
  }
}

/** A timer may end this much early. */
const EARLY = 50;

/** Two renewals must be missed: if a lease holds longer than 40 s, the kubelet renews it less often. */
function patienceWith(sign: Sign, silent: number): number {
  return 'lease' in sign ? Math.max(silent, (sign.seconds / 40) * silent) : silent;
}

/** Whether the kubelet was silent between the two. */
function isSame(before: Sign, now: Sign): boolean {
  return 'lease' in now
    ? 'lease' in before && before.lease === now.lease
    : !('lease' in before) && !now.reports;
}

/** Null if the API server does not answer: then the kubelet's state is unknown. */
async function look(cluster: Cluster, node: string, signal: AbortSignal): Promise<Sign | null> {
  const options = { signal, deadline: LOOK_MILLISECONDS };
  try {
    const answer = await cluster.transport.json({
      path: `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${encodeURIComponent(node)}`,
      what: `get the lease of node ${node}`,
      ...options,
    });
    const { metadata, spec } = leaseSchema.parse(answer);
    return {
      lease: `${metadata.resourceVersion} ${spec.renewTime}`,
      seconds: spec.leaseDurationSeconds,
    };
  } catch (error) {
    if (signal.aborted) throw error;
    // Without the right, or a lease, the Ready condition shows it half a minute later.
    const status = statusOf(error);
    if (status !== 403 && status !== 404 && !(error instanceof z.ZodError)) return null;
  }
  const found = await unlessFailed(() => listNode(cluster, node, options));
  return found === null ? null : { reports: found.kubeletReports };
}

function silentKubelet(node: string, tookUp: boolean, seconds: number): AuditError {
  return new AuditError(
    'NODE_SILENT',
    `the kubelet is silent: it ${tookUp ? 'says no more of' : 'did not take up'} the probe pod, and ` +
      `has given no sign of life for ${seconds} s`,
    {
      retryable: true,
      remedy: `Look at the node's kubelet (systemctl status kubelet) and at: kubectl describe node ${node}`,
    },
  );
}
