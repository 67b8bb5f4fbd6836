/** Pods that run to their end on a node and leave a log: created, watched by one watch, read, deleted. */
import { AuditError } from '../model/errors.ts';
import type { Event } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { BATCH_LABEL, PROBE_CONTAINER, RUN_LABEL } from '../model/own-pods.ts';
import { grantRights, statusOf, userIn } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { listPodEvents } from './list.ts';
import { type PodState, PodWatch } from './pod-watch.ts';
import { PATIENCE, type Patience, silenceOf } from './silence.ts';
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

/** A bundle is at most 6 MiB, so 8 MiB in base64; kubelets rotate logs at 10. */
const LOG_BYTES = 12 * 1024 * 1024;
/** Removing pods continues after an abort, but only this long. */
const DELETE_MILLISECONDS = 20_000;
/** A canceled creation may still take place after our deletion: let it finish before removing its pod. */
const CREATE_GRACE_MILLISECONDS = 5_000;

const QUOTA_PAUSE_MILLISECONDS = 500;

/** How often to check whether the kubelet failed to create a sandbox, and how many failures to allow. */
const SANDBOX_LOOK_MILLISECONDS = 3_000;
const SANDBOX_FAILURES = 2;

const ENDED = ['Succeeded', 'Failed', 'gone'] as const;

/** Creates probe pods, reads their logs and deletes them. */
export class ProbePods {
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal;
  readonly #watch: PodWatch;
  readonly #patience: Patience;
  readonly #labels: Readonly<Record<string, string>>;

  private constructor(
    cluster: Cluster,
    watch: PodWatch,
    labels: Readonly<Record<string, string>>,
    { signal, patience = PATIENCE }: { signal: AbortSignal; patience?: Patience },
  ) {
    this.#cluster = cluster;
    this.#patience = patience;
    this.#watch = watch;
    this.#labels = labels;
    this.#signal = signal;
  }

  /**
   * Starts the watch over the pods of a run, or of one batch of it: a pod has the whole script, so each batch
   * that watched the pods of all others would read megabytes a second. Call `close` at the end.
   */
  static start(
    cluster: Cluster,
    options: { namespace: string; runId: string; batch?: number; signal: AbortSignal; patience?: Patience },
  ): ProbePods {
    const labels = options.batch === undefined ? {} : { [BATCH_LABEL]: String(options.batch) };
    const all = Object.entries({ [RUN_LABEL]: options.runId, ...labels });
    const selector = all.map(([label, value]) => `${label}=${value}`).join(',');
    const watch = PodWatch.start(cluster, options.namespace, selector, options.signal);
    return new ProbePods(cluster, watch, labels, options);
  }

  /**
   * Runs one pod to its end; the pod is gone afterwards, whatever happened.
   *
   * @returns its log, and the revision at which it had ended, for lists that must not be older
   * @throws AuditError PROBE_REFUSED (never started: image, admission, room), PROBE_FAILED (ended badly), NODE_SILENT,
   *   DEADLINE, ABORTED
   */
  async run(
    manifest: PodManifest,
    deadlineMilliseconds: number,
  ): Promise<{ readonly log: string; readonly revision: string }> {
    const { name, namespace } = manifest.metadata;
    const end = Date.now() + deadlineMilliseconds;
    try {
      await this.#create(manifest, deadlineMilliseconds);
      const state = await this.#whileAlive(manifest, (silence) =>
        this.#watch.until(name, ENDED, end, silence),
      );
      if (state.phase !== 'Succeeded') throw failed(state);
      const log = await this.#cluster.transport.text(
        {
          path: `/api/v1/namespaces/${namespace}/pods/${name}/log`,
          query: { container: PROBE_CONTAINER, limitBytes: LOG_BYTES },
          what: `read the log of pod ${namespacedName({ namespace, name })}`,
          signal: this.#signal,
          deadline: Math.max(5_000, end - Date.now()),
        },
        LOG_BYTES + 1,
      );
      return { log, revision: state.revision };
    } finally {
      // Pods are removed even after an abort, so the signal is not passed on.
      await this.#remove(namespace, name);
      this.#watch.forget(name);
    }
  }

  /**
   * Starts a pod, deletes it once it runs, and waits until the kubelet has removed it.
   *
   * @returns its addresses while it ran
   * @throws AuditError as {@link run}
   */
  async startAndStop(manifest: PodManifest, deadlineMilliseconds: number): Promise<readonly string[]> {
    const { name, namespace } = manifest.metadata;
    const end = Date.now() + deadlineMilliseconds;
    try {
      await this.#create(manifest, deadlineMilliseconds);
      const state = await this.#whileAlive(manifest, (silence) => this.#untilRunning(manifest, end, silence));
      if (state.phase !== 'Running') throw failed(state);
      // With a grace period the object stays until the kubelet has removed the sandbox; without one it goes at once.
      await deletePod(this.#cluster, namespace, name, { signal: this.#signal }, 1);
      await this.#whileAlive(manifest, (silence) => this.#watch.until(name, ['gone'], end, silence));
      return state.podIPs;
    } finally {
      await this.#remove(namespace, name);
      this.#watch.forget(name);
    }
  }

  /** Waits, but not for a silent kubelet. */
  async #whileAlive<T>(
    { metadata, spec }: PodManifest,
    wait: (silence: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const done = new AbortController();
    const heard = (): string | null => this.#watch.heard(metadata.name);
    try {
      return await wait(silenceOf(this.#cluster, spec.nodeName, heard, done.signal, this.#patience));
    } finally {
      done.abort();
    }
  }

  /**
   * The kubelet keeps trying to create a sandbox, and with broken plugins each try may leak an address:
   * our pod must not use up the range.
   */
  async #untilRunning(manifest: PodManifest, end: number, silence: AbortSignal): Promise<PodState> {
    for (;;) {
      const look = Math.min(end, Date.now() + SANDBOX_LOOK_MILLISECONDS);
      try {
        return await this.#watch.until(manifest.metadata.name, ['Running', ...ENDED], look, silence);
      } catch (error) {
        if (look >= end || !(error instanceof AuditError) || error.code !== 'DEADLINE') throw error;
        const failures = (await this.events(manifest)).filter(
          ({ reason }) => reason === 'FailedCreatePodSandBox',
        );
        if (failures.reduce((sum, { count }) => sum + count, 0) >= SANDBOX_FAILURES) throw error;
      }
    }
  }

  /** Events about a pod that the API still has, whether or not the pod exists. @throws AuditError CLUSTER_*, ABORTED */
  async events({ metadata: { namespace, name } }: PodManifest): Promise<Event[]> {
    return await listPodEvents(this.#cluster, namespace, name, { signal: this.#signal });
  }

  /** The newest known revision of any pod of the run; `0` if none is known. */
  get newestRevision(): string {
    return this.#watch.newestRevision;
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  /** The run continues if a deletion fails, as the pod ends by itself; but not without the right to delete. */
  async #remove(namespace: string, name: string): Promise<void> {
    try {
      await deletePod(this.#cluster, namespace, name, { deadline: DELETE_MILLISECONDS });
    } catch (error) {
      if (statusOf(error) === 403) throw error;
    }
  }

  async #create({ metadata, ...manifest }: PodManifest, deadline: number): Promise<void> {
    const { name, namespace, labels } = metadata;
    if (this.#signal.aborted) throw aborted(`create pod ${namespacedName({ namespace, name })}`);
    const { signal, stop } = delayed(this.#signal, CREATE_GRACE_MILLISECONDS);
    const end = Date.now() + deadline;
    try {
      for (;;) {
        try {
          await this.#cluster.transport.json({
            method: 'POST',
            path: `/api/v1/namespaces/${namespace}/pods`,
            what: `create pod ${namespacedName({ namespace, name })}`,
            body: { ...manifest, metadata: { ...metadata, labels: { ...labels, ...this.#labels } } },
            metadataOnly: true,
            signal,
            deadline: Math.max(1, end - Date.now()),
          });
          return;
        } catch (error) {
          // Pods created at the same time conflict if the namespace has a quota.
          if (!isQuotaConflict(error) || Date.now() + QUOTA_PAUSE_MILLISECONDS >= end) throw error;
          await pause(
            Math.random() * QUOTA_PAUSE_MILLISECONDS,
            signal,
            `create pod ${namespacedName({ namespace, name })}`,
          );
        }
      }
    } catch (error) {
      // The name contains run and node: it is ours, from an attempt with a lost answer.
      if (statusOf(error) === 409 && !isQuotaConflict(error)) return;
      throw refusal(error, namespace);
    } finally {
      stop();
    }
  }
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
    return 'Apply the policy of this version and for this image: netns-audit manifests --image IMAGE | kubectl apply -f -';
  }
  if (message.includes('admission webhook') || message.includes('ValidatingAdmissionPolicy')) {
    return `Exempt the namespace ${namespace} from that policy; deploy/admission-policy.yaml admits nothing there but the probe pod.`;
  }
  if (message.includes('security context constraint')) {
    return `Allow it in its namespace only: oc adm policy add-scc-to-user privileged -z default -n ${namespace}`;
  }
  if (message.includes('quota'))
    return `Raise the quota of the namespace ${namespace}: one pod per node that is probed at once.`;
  if (/(?:minimum|maximum) \w+ usage per/.test(message))
    return `Remove the LimitRange of the namespace ${namespace}, or let it admit requests of 10m CPU and 32Mi, and a limit of 256Mi.`;
  if (message.includes('not found'))
    return 'Create the namespace and the roles: netns-audit manifests | kubectl apply -f -';
  return grantRights(userIn(message), namespace);
}

function failed(state: PodState): AuditError {
  const reason = state.problem ?? 'it failed without saying why';
  return new AuditError(
    'PROBE_FAILED',
    `the probe pod ${state.phase === 'gone' ? 'was deleted before it ended' : `ended badly: ${reason}`}`,
    {
      retryable: true,
      remedy:
        state.phase === 'gone'
          ? 'Something removed the pod or its node during the run; run it again.'
          : /^(OutOf|Evicted|Preempt|NodeAffinity|UnexpectedAdmission)/.test(reason)
            ? 'The node has no room for one more small pod: free some, or raise its pod limit.'
            : 'Run it again; if it stays so, start the pod by hand and read its log.',
    },
  );
}
