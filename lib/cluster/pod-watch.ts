/** One watch for all pods of a run, or of a batch. Events may come late, twice or never, so it also lists again now and then. */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import { PROBE_CONTAINER } from '../model/own-pods.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { listAll } from './list.ts';
import { aborted, pause } from './transport.ts';

/** `gone`: deleted, by anybody. */
export type PodState = {
  readonly name: string;
  /** The object's resourceVersion. */
  readonly revision: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown' | 'gone';
  /** Why it does not start, or why it failed, in the cluster's words. */
  readonly problem: string | null;
  /** The kubelet has written a status. */
  readonly acknowledged: boolean;
  /** It waits for something that will not resolve within the run. */
  readonly stuck: boolean;
  readonly podIPs: readonly string[];
  /** The object is gone; `phase` still holds how the pod ended, if it did. */
  readonly deleted: boolean;
};

/** The server ends a watch after this long, and we list again: a missed event costs at most that. */
const WATCH_SECONDS = 45;
const SHORTEST_ROUND = 1_000;
/** A line of a watch is one pod; ours are small. */
const LINE_BYTES = 1024 * 1024;
/** Image errors get this long to resolve: registries hiccup. */
const STUCK_MILLISECONDS = 15_000;

const containerState = z.object({
  name: z.string().optional(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      terminated: z
        .object({ exitCode: z.number(), reason: z.string().optional(), message: z.string().optional() })
        .optional(),
    })
    .optional(),
});
const podStatusSchema = z.object({
  metadata: z.object({ name: z.string(), resourceVersion: z.string() }),
  status: z
    .object({
      phase: z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      startTime: z.string().optional(),
      podIPs: z.array(z.object({ ip: z.string() })).optional(),
      containerStatuses: z.array(containerState).optional(),
    })
    .default({}),
});
const eventSchema = z.object({ type: z.string(), object: z.unknown() });

const HOPELESS = [
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
];

/** One watch for all probe pods of a run or batch, with a new list whenever it ends. */
export class PodWatch {
  readonly #cluster: Cluster;
  readonly #path: string;
  readonly #selector: string;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #states = new Map<string, PodState>();
  readonly #waiting = new Map<string, () => void>();
  readonly #loop: Promise<void>;
  #newestRevision = '0';
  /** The missing right: waiting does not help. */
  #forbidden: Error | null = null;

  private constructor(cluster: Cluster, namespace: string, selector: string, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
    this.#selector = selector;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#loop = this.#follow();
  }

  static start(cluster: Cluster, namespace: string, selector: string, signal: AbortSignal): PodWatch {
    return new PodWatch(cluster, namespace, selector, signal);
  }

  /**
   * Waits until one of the phases is reached, or the pod clearly will not start.
   *
   * @param silence - aborts when the kubelet is silent, with the error to throw
   * @throws AuditError PROBE_REFUSED, CLUSTER_FORBIDDEN, NODE_SILENT, DEADLINE, ABORTED
   */
  async until(
    name: string,
    phases: readonly PodState['phase'][],
    end: number,
    silence: AbortSignal,
  ): Promise<PodState> {
    let stuckSince: number | null = null;
    for (;;) {
      const state = this.#states.get(name);
      if (state !== undefined && (phases.includes(state.phase) || (state.deleted && phases.includes('gone'))))
        return state;
      if (this.#forbidden !== null) throw this.#forbidden;
      silence.throwIfAborted();
      stuckSince = state?.stuck ? (stuckSince ?? Date.now()) : null;
      const now = Date.now();
      if (state !== undefined && stuckSince !== null && now - stuckSince >= STUCK_MILLISECONDS)
        throw stuck(state);
      if (now >= end) throw state?.stuck ? stuck(state) : overdue(state);
      await this.#changed(
        name,
        Math.min(end, stuckSince === null ? end : stuckSince + STUCK_MILLISECONDS) - now,
        silence,
      );
    }
  }

  /** What the kubelet last wrote about a pod: changes with each update. Null before the first. */
  heard(name: string): string | null {
    const state = this.#states.get(name);
    return state?.acknowledged ? state.revision : null;
  }

  /** The newest revision of the seen pods, for lists that must be at least as new; `0` while there is none. */
  get newestRevision(): string {
    return this.#newestRevision;
  }

  forget(name: string): void {
    this.#states.delete(name);
    this.#waiting.delete(name);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #changed(name: string, milliseconds: number, silence: AbortSignal): Promise<void> {
    const seen = new AbortController();
    this.#waiting.set(name, () => seen.abort());
    const signal = AbortSignal.any([seen.signal, silence, this.#signal]);
    await pause(milliseconds, signal, 'wait for the probe pod').catch(() => {});
    this.#waiting.delete(name);
    if (this.#signal.aborted) throw aborted('wait for the probe pod');
  }

  #set(state: PodState): void {
    if (Number(state.revision) > Number(this.#newestRevision)) this.#newestRevision = state.revision;
    this.#states.set(state.name, state);
    this.#waiting.get(state.name)?.();
  }

  /** List, watch until it ends, and repeat until closed. Failures only slow it down: each pod has its own deadline. */
  async #follow(): Promise<void> {
    for (let failures = 0; !this.#signal.aborted; ) {
      try {
        const version = await this.#list();
        const start = Date.now();
        await this.#watchOnce(version);
        failures = 0;
        this.#forbidden = null;
        // Avoids a tight loop behind a proxy that ends every watch at once.
        if (Date.now() - start < SHORTEST_ROUND) await pause(SHORTEST_ROUND, this.#signal, 'watch');
      } catch (error) {
        if (error instanceof Error && statusOf(error) === 403) {
          this.#forbidden = error;
          for (const wake of this.#waiting.values()) wake();
        }
        failures += 1;
        await pause(Math.min(5_000, 200 * 2 ** failures), this.#signal, 'watch').catch(() => {});
      }
    }
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await listAll(
      this.#cluster,
      'list probe pods',
      this.#path,
      { labelSelector: this.#selector },
      (item) => stateOf(item, false),
      { signal: this.#signal },
    );
    const present = new Set(items.map((state) => state.name));
    for (const state of items) this.#set(state);
    for (const [name, state] of this.#states)
      if (!present.has(name) && state.phase !== 'gone') this.#set({ ...state, phase: 'gone', deleted: true });
    return resourceVersion;
  }

  /** Follows one watch to its end. @throws if it broke or expired. */
  async #watchOnce(version: string): Promise<void> {
    const stream = await this.#cluster.transport.stream({
      path: this.#path,
      query: {
        watch: 'true',
        labelSelector: this.#selector,
        resourceVersion: version,
        allowWatchBookmarks: 'true',
        timeoutSeconds: WATCH_SECONDS,
      },
      what: 'watch probe pods',
      // The server ends it earlier; longer silence is a dead connection.
      timeout: (WATCH_SECONDS + 15) * 1000,
      signal: this.#signal,
    });
    for await (const line of lines(stream)) {
      const event = eventSchema.parse(JSON.parse(line));
      if (event.type === 'ERROR') throw new Error('the watch expired');
      if (event.type !== 'BOOKMARK') this.#set(stateOf(event.object, event.type === 'DELETED'));
    }
  }
}

async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream) {
    rest += chunk.toString('utf8');
    if (rest.length > LINE_BYTES) throw new Error('a line of the watch is too long');
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}

function stateOf(item: unknown, deleted: boolean): PodState {
  const { metadata, status } = podStatusSchema.parse(item);
  const states = (status.containerStatuses ?? []).map((each) => each.state ?? {});
  const waiting = states.find((state) => state.waiting !== undefined)?.waiting;
  const terminated = states.find(
    (state) => state.terminated !== undefined && state.terminated.exitCode !== 0,
  )?.terminated;
  const words = [status.reason, status.message].filter((word) => word !== undefined);
  if (terminated !== undefined)
    words.push(`${terminated.reason ?? 'exited'} with code ${terminated.exitCode}`, terminated.message ?? '');
  if (waiting !== undefined) words.push(waiting.reason ?? '', waiting.message ?? '');
  const phase = probeEnd(status) ?? status.phase ?? 'Pending';
  const ended = phase === 'Succeeded' || phase === 'Failed';
  return {
    name: metadata.name,
    revision: metadata.resourceVersion,
    phase: deleted && !ended ? 'gone' : phase,
    problem:
      words
        .filter((word) => word !== '')
        .join(': ')
        .slice(0, 500) || null,
    acknowledged: status.startTime !== undefined,
    stuck: waiting !== undefined && HOPELESS.includes(waiting.reason ?? ''),
    podIPs: (status.podIPs ?? []).map(({ ip }) => ip),
    deleted,
  };
}

/** A webhook may have added containers that never end: ours has ended nevertheless. */
function probeEnd({ phase, containerStatuses = [] }: z.infer<typeof podStatusSchema>['status']) {
  if (phase !== 'Running') return null;
  const end = containerStatuses.find(({ name }) => name === PROBE_CONTAINER)?.state?.terminated;
  return end === undefined ? null : end.exitCode === 0 ? 'Succeeded' : 'Failed';
}

function stuck(state: PodState): AuditError {
  const image = /image/i.test(state.problem ?? '');
  return new AuditError('PROBE_REFUSED', `the probe pod cannot start: ${state.problem}`, {
    remedy: image
      ? 'Use an image that the nodes can pull (--image), with --pull-secret where the registry wants one.'
      : 'Look at the node: kubectl describe pod shows the same message.',
  });
}

function overdue(state: PodState | undefined): AuditError {
  const message =
    state === undefined || !state.acknowledged
      ? 'the kubelet did not take up the probe pod in time'
      : state.phase === 'Pending'
        ? `the probe pod did not start in time${state.problem === null ? '' : `: ${state.problem}`}`
        : 'the probe pod did not end in time';
  return new AuditError('DEADLINE', message, {
    retryable: true,
    remedy:
      "Look at the node's kubelet and runtime (systemctl status kubelet containerd), or give it longer with --deadline.",
  });
}
