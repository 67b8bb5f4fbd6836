/** Pods that run to their end on a node and leave a log: created, watched, read, deleted. */
import { AuditError } from '../model/errors.ts';
import type { Event } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { ATTEMPT_LABEL, BATCH_LABEL, PROBE_CONTAINER, RUN_LABEL } from '../model/own-pods.ts';
import type { Cluster } from './connect.ts';
import { createPod, existing, type PodManifest } from './create-pod.ts';
import { EndedPods, removeAlone } from './ended-pods.ts';
import { listPodEvents } from './list.ts';
import { type NodeWatch, NodeWatches, type PodsThen } from './node-watch.ts';
import type { PodIdentity, PodState } from './pod-state.ts';
import { PodWatch } from './pod-watch.ts';
import { PATIENCE, type Patience, silenceOf } from './silence.ts';
import { deletePod } from './sweep.ts';

/** A bundle is at most 6 MiB, so 8 MiB in base64; kubelets rotate logs at 10. */
const LOG_BYTES = 12 * 1024 * 1024;
/** How often to check whether the kubelet failed to create a sandbox, and how many failures to allow. */
const SANDBOX_LOOK_MILLISECONDS = 3_000;
const SANDBOX_FAILURES = 2;

/** Whether a pod was created whose creation failed. */
const LOOK_MILLISECONDS = 5_000;

const ENDED = ['Succeeded', 'Failed', 'gone'] as const;

/** What a probe pod left behind. */
export type Probed = {
  readonly log: string;
  /** At which it had ended, for lists that must not be older. */
  readonly revision: string;
  /** The pods of its node when it was created, where they are watched. */
  readonly before: PodsThen | null;
};

type ProbePodsOptions = {
  readonly namespace: string;
  readonly runId: string;
  /** Each batch watches and deletes its own pods. */
  readonly batch?: number;
  /** Whether a pod that a quota refuses is tried again; it then has less time to run. @default true */
  readonly waitsForRoom?: boolean;
  readonly signal: AbortSignal;
  readonly patience?: Patience;
};

/** Creates probe pods, reads their logs and deletes them. */
export class ProbePods {
  readonly #cluster: Cluster;
  readonly #options: ProbePodsOptions;
  readonly #signal: AbortSignal;
  readonly #patience: Patience;
  readonly #ended: EndedPods;
  readonly #nodes: NodeWatches;
  #ownWatch: PodWatch | null = null;

  /** Call `close` at the end. */
  constructor(cluster: Cluster, options: ProbePodsOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#signal = options.signal;
    this.#patience = options.patience ?? PATIENCE;
    this.#ended = new EndedPods(cluster, options);
    this.#nodes = new NodeWatches(cluster, options.namespace, options.signal);
  }

  /**
   * Watches all pods of a node meanwhile. Gets null where they have to be listed.
   *
   * @param name - of the pod that will be created there
   */
  async whileFollowing<T>(
    node: string,
    name: string,
    work: (watch: NodeWatch | null) => Promise<T>,
  ): Promise<T> {
    return await this.#nodes.whileFollowing(node, name, work);
  }

  /**
   * Runs one pod to its end, and deletes it: at once, or if it ended well, together with others.
   *
   * @param nodeWatch - over the pods of its node, if they are followed
   * @throws AuditError PROBE_REFUSED (never started: image, admission, room), PROBE_FAILED (ended badly), NODE_SILENT,
   *   DEADLINE, ABORTED; WatchLost
   */
  async run(
    manifest: PodManifest,
    deadlineMilliseconds: number,
    nodeWatch: NodeWatch | null = null,
  ): Promise<Probed> {
    const end = Date.now() + deadlineMilliseconds;
    const watch = nodeWatch?.states ?? this.#watch();
    return await this.#inGroup(manifest, watch, async (create, ended) => {
      const pod = await create(deadlineMilliseconds);
      const state = await this.#whileAlive(manifest, pod, watch, (silence) =>
        watch.until(pod, ENDED, end, silence),
      );
      if (state.phase !== 'Succeeded') throw failed(state);
      const { name, namespace } = manifest.metadata;
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
      const before = nodeWatch === null ? null : nodeWatch.before(pod);
      ended();
      return { log, revision: state.revision, before };
    });
  }

  /**
   * Starts a pod, deletes it once it runs, and waits until the kubelet has removed it.
   *
   * @returns its addresses while it ran
   * @throws AuditError as {@link run}
   */
  async startAndStop(manifest: PodManifest, deadlineMilliseconds: number): Promise<readonly string[]> {
    const end = Date.now() + deadlineMilliseconds;
    const watch = this.#watch();
    return await this.#inGroup(manifest, watch, async (create) => {
      const pod = await create(deadlineMilliseconds);
      const state = await this.#whileAlive(manifest, pod, watch, (silence) =>
        this.#untilRunning(manifest, pod, watch, end, silence),
      );
      if (state.phase !== 'Running') throw failed(state);
      const { name, namespace } = manifest.metadata;
      // With a grace period the object stays until the kubelet has removed the sandbox; without one it goes at once.
      await deletePod(this.#cluster, namespace, name, { signal: this.#signal, uid: pod.uid }, 1);
      await this.#whileAlive(manifest, pod, watch, (silence) => watch.until(pod, ['gone'], end, silence));
      return state.podIPs;
    });
  }

  /**
   * Over the pods of a run, or of one batch of it: a pod has the whole script, so each batch that watched the pods
   * of all others would read megabytes a second.
   */
  #watch(): PodWatch {
    const { namespace, runId, batch } = this.#options;
    const labels = { [RUN_LABEL]: runId, ...(batch === undefined ? {} : { [BATCH_LABEL]: batch }) };
    const labelSelector = Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(',');
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    const scope = { path, selector: { labelSelector }, namespace };
    this.#ownWatch ??= PodWatch.start(this.#cluster, scope, this.#signal);
    return this.#ownWatch;
  }

  /** The pod is gone afterwards, whatever happened, unless it `ended`: then it goes with its group. */
  async #inGroup<T>(
    manifest: PodManifest,
    watch: PodWatch,
    work: (create: (deadline: number) => Promise<PodIdentity>, ended: () => void) => Promise<T>,
  ): Promise<T> {
    const { metadata } = manifest;
    const group = this.#ended.join();
    const labels = { ...metadata.labels, [BATCH_LABEL]: group.batch, [ATTEMPT_LABEL]: this.#ended.attempt };
    const labeled = { ...manifest, metadata: { ...metadata, labels } };
    let pod: PodIdentity | null = null;
    const create = async (deadline: number): Promise<PodIdentity> => {
      const signal = this.#signal;
      const uid = await this.#ended.withRoom(
        (left) => createPod(this.#cluster, labeled, { signal, deadline: left }),
        { deadline, signal },
      );
      pod = { name: metadata.name, uid };
      return pod;
    };
    let hasEnded = false;
    try {
      return await work(create, () => {
        hasEnded = true;
      });
    } finally {
      // Pods are removed even after an abort, so the signal is not passed on.
      try {
        pod ??= await this.#perhapsCreated(labeled);
        if (pod !== null && hasEnded) await this.#ended.remove(group, pod);
        else if (pod !== null) await removeAlone(this.#cluster, metadata.namespace, pod);
      } finally {
        watch.forget(metadata.name);
        await this.#ended.leave(group);
      }
    }
  }

  /** The pod, if it was created after all: the answer may have been lost, or an abort came first. */
  async #perhapsCreated(manifest: PodManifest): Promise<PodIdentity | null> {
    const there = await existing(this.#cluster, manifest, { deadline: LOOK_MILLISECONDS }).catch(() => null);
    return there?.isOurs ? { name: manifest.metadata.name, uid: there.uid } : null;
  }

  /** Waits, but not for a silent kubelet. */
  async #whileAlive<T>(
    { spec }: PodManifest,
    pod: PodIdentity,
    watch: PodWatch,
    wait: (silence: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const done = new AbortController();
    const heard = (): string | null => watch.heard(pod);
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
  async #untilRunning(
    manifest: PodManifest,
    pod: PodIdentity,
    watch: PodWatch,
    end: number,
    silence: AbortSignal,
  ): Promise<PodState> {
    for (;;) {
      const look = Math.min(end, Date.now() + SANDBOX_LOOK_MILLISECONDS);
      try {
        return await watch.until(pod, ['Running', ...ENDED], look, silence);
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

  /** The newest revision known of any pod of the run; `0` if none is known. */
  get newestRevision(): string {
    return this.#ownWatch?.newestRevision ?? '0';
  }

  async close(): Promise<void> {
    await Promise.all([this.#ownWatch?.close(), this.#ended.close()]);
  }
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
