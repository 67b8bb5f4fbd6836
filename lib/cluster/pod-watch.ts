/** One watch for several pods. Events may come late, twice or never, so it also lists again now and then. */
import * as z from 'zod';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { inOnePage, listAll } from './list.ts';
import { overdue, type PodIdentity, type PodState, stateOf, stuck } from './pod-state.ts';
import { aborted, pause } from './transport.ts';

/** The server ends a watch after this long, and we list again: a missed event costs at most that. */
const WATCH_SECONDS = 45;
const SHORTEST_ROUND = 1_000;
/** A line of a watch is one pod: etcd stores at most 1.5 MiB, of which JSON may make six times as much (`\u003c`). */
const LINE_BYTES = 16 * 1024 * 1024;
/** Image errors get this long to resolve: registries hiccup. */
const STUCK_MILLISECONDS = 15_000;

const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const identitySchema = z.object({
  metadata: z.object({ namespace: z.string().optional(), resourceVersion: z.string().optional() }),
});

/** Which pods are watched. */
export type Scope = {
  readonly path: string;
  readonly selector: { readonly labelSelector: string } | { readonly fieldSelector: string };
  /** Only pods in this namespace have states. */
  readonly namespace: string;
};

/** Told about every pod in the scope. */
export type Observer = {
  /** All there are. */
  listed(pods: readonly unknown[]): void;
  event(type: string, pod: unknown): void;
};

/** One watch for all pods in a scope, with a new list whenever it ends. */
export class PodWatch {
  readonly #cluster: Cluster;
  readonly #scope: Scope;
  readonly #observer: Observer | null;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #states = new Map<string, PodState>();
  readonly #waiting = new Map<string, () => void>();
  readonly #loop: Promise<void>;
  readonly #opened = Promise.withResolvers<void>();
  #newestRevision = '0';
  /** The missing right: waiting does not help. */
  #forbidden: Error | null = null;

  private constructor(cluster: Cluster, scope: Scope, observer: Observer | null, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.#observer = observer;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
    this.#opened.promise.catch(() => {});
    this.#loop = this.#follow();
  }

  /**
   * @param observer - then the first list is saved: a watch from any cached state sends what exists as events
   */
  static start(
    cluster: Cluster,
    scope: Scope,
    signal: AbortSignal,
    observer: Observer | null = null,
  ): PodWatch {
    return new PodWatch(cluster, scope, observer, signal);
  }

  /** Resolves once the server has started the first watch. @throws AuditError CLUSTER_*, ABORTED if it could not */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /**
   * Waits until one of the phases is reached, or the pod clearly will not start.
   *
   * @param pod - with its uid, as an earlier pod may have had the name
   * @param silence - aborts when the kubelet is silent, with the error to throw
   * @throws AuditError PROBE_REFUSED, CLUSTER_FORBIDDEN, NODE_SILENT, DEADLINE, ABORTED
   */
  async until(
    { name, uid }: PodIdentity,
    phases: readonly PodState['phase'][],
    end: number,
    silence: AbortSignal,
  ): Promise<PodState> {
    let stuckSince: number | null = null;
    for (;;) {
      const state = this.#stateOf(name, uid);
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
  heard({ name, uid }: PodIdentity): string | null {
    const state = this.#stateOf(name, uid);
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

  #stateOf(name: string, uid: string): PodState | undefined {
    const state = this.#states.get(name);
    return state?.uid === uid ? state : undefined;
  }

  async #changed(name: string, milliseconds: number, silence: AbortSignal): Promise<void> {
    const seen = new AbortController();
    this.#waiting.set(name, () => seen.abort());
    const signal = AbortSignal.any([seen.signal, silence, this.#signal]);
    await pause(milliseconds, signal, 'wait for the probe pod').catch(() => {});
    this.#waiting.delete(name);
    if (this.#signal.aborted) throw aborted('wait for the probe pod');
  }

  /** Null for a pod in another namespace. */
  #read(item: unknown, deleted: boolean): PodState | null {
    const { namespace, resourceVersion = '0' } = identitySchema.parse(item).metadata;
    if (Number(resourceVersion) > Number(this.#newestRevision)) this.#newestRevision = resourceVersion;
    return namespace === this.#scope.namespace ? stateOf(item, deleted) : null;
  }

  #set(state: PodState): void {
    this.#states.set(state.name, state);
    this.#waiting.get(state.name)?.();
  }

  /** List, watch until it ends, and repeat until closed. Failures only slow it down: each pod has its own deadline. */
  async #follow(): Promise<void> {
    let isFirst = this.#observer !== null;
    for (let failures = 0; !this.#signal.aborted; ) {
      try {
        const version = isFirst ? '0' : await this.#list();
        isFirst = false;
        const start = Date.now();
        await this.#watchOnce(version);
        failures = 0;
        this.#forbidden = null;
        // Avoids a tight loop behind a proxy that ends every watch at once.
        if (Date.now() - start < SHORTEST_ROUND) await pause(SHORTEST_ROUND, this.#signal, 'watch');
      } catch (error) {
        this.#opened.reject(error);
        if (error instanceof Error && statusOf(error) === 403) {
          this.#forbidden = error;
          for (const wake of this.#waiting.values()) wake();
        }
        failures += 1;
        await pause(Math.min(5_000, 200 * 2 ** failures), this.#signal, 'watch').catch(() => {});
      }
    }
    this.#opened.reject(aborted('watch pods'));
  }

  async #list(): Promise<string> {
    const observer = this.#observer;
    const { items, resourceVersion } = await listAll(
      this.#cluster,
      'list probe pods',
      this.#scope.path,
      { ...this.#scope.selector, ...(observer === null ? {} : inOnePage(this.#newestRevision)) },
      (item) => ({ state: this.#read(item, false), item: observer === null ? null : item }),
      { signal: this.#signal },
    );
    observer?.listed(items.map(({ item }) => item));
    const states = items.map(({ state }) => state).filter((state) => state !== null);
    for (const state of states) this.#set(state);
    const present = new Set(states.map(({ name }) => name));
    for (const [name, state] of this.#states)
      if (!present.has(name) && state.phase !== 'gone') this.#set({ ...state, phase: 'gone', deleted: true });
    return resourceVersion;
  }

  /** Follows one watch to its end. @throws if it broke or expired. */
  async #watchOnce(version: string): Promise<void> {
    const stream = await this.#cluster.transport.stream({
      path: this.#scope.path,
      query: {
        watch: 'true',
        ...this.#scope.selector,
        resourceVersion: version,
        allowWatchBookmarks: 'true',
        timeoutSeconds: WATCH_SECONDS,
      },
      what: 'watch probe pods',
      // The server ends it earlier; longer silence is a dead connection.
      timeout: (WATCH_SECONDS + 15) * 1000,
      signal: this.#signal,
    });
    this.#opened.resolve();
    for await (const line of lines(stream)) {
      const event = eventSchema.parse(JSON.parse(line));
      if (event.type === 'ERROR') throw new Error('the watch expired');
      if (event.type === 'BOOKMARK') continue;
      // First, so that it knows what anybody who waits for this event asks about.
      this.#observer?.event(event.type, event.object);
      const state = this.#read(event.object, event.type === 'DELETED');
      if (state !== null) this.#set(state);
    }
  }
}

async function* lines(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > LINE_BYTES) throw new Error('a line of the watch is too long');
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter((part) => part !== '');
  }
}
