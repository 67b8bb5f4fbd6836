/**
 * All pods of one node while its probe pod runs: one watch in place of a list before and a list after. The watch
 * sends what exists, then each change in order. So what it sent before a pod that was created after its start is
 * all that existed when that pod was created.
 */
import * as z from 'zod';
import { AuditError } from '../model/errors.ts';
import type { Pod } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { Cluster } from './connect.ts';
import type { PodIdentity } from './pod-state.ts';
import { PodWatch } from './pod-watch.ts';
import { reducePod } from './reduce.ts';
import { pause } from './transport.ts';

/** Pods at a moment. */
export type PodsThen = { readonly pods: Pod[]; readonly takenAt: string };

/** It is not known which pods the node had when the probe pod was created: list them, and probe again. */
export class WatchLost extends AuditError {}

const lost = (message: string): WatchLost =>
  new WatchLost('CLUSTER_API', message, { retryable: true, remedy: 'Run it again.' });

export class NodeWatch {
  /** States of the pods in the auditor's namespace. */
  readonly states: PodWatch;
  readonly #probe: string;
  readonly #pods = new Map<string, Pod>();
  /** By uid of a probe pod: the pods when it was created; null if not known. */
  readonly #before = new Map<string, (PodsThen & { readonly revision: number }) | null>();
  /** Not all that was sent are pods. */
  #isPartial = false;

  private constructor(
    cluster: Cluster,
    node: string,
    probe: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ) {
    this.#probe = namespacedName(probe);
    const scope = {
      path: '/api/v1/pods',
      selector: { fieldSelector: `spec.nodeName=${node}` },
      namespace: probe.namespace,
    };
    this.states = PodWatch.start(cluster, scope, signal, {
      listed: (items) => this.#listed(items),
      event: (type, item) => this.#event(type, item),
    });
  }

  /**
   * @param probe - the pod that will be created on the node
   * @throws AuditError CLUSTER_*, ABORTED
   */
  static async start(
    cluster: Cluster,
    node: string,
    probe: { readonly namespace: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<NodeWatch> {
    const watch = new NodeWatch(cluster, node, probe, signal);
    const started = new AbortController();
    try {
      const late = pause(OPEN_MILLISECONDS, AbortSignal.any([signal, started.signal]), 'watch pods').then(
        () => Promise.reject(lost('the API server did not start the watch over the pods of the node')),
      );
      late.catch(() => {});
      await Promise.race([watch.states.opened, late]);
      return watch;
    } catch (error) {
      await watch.close();
      throw error;
    } finally {
      started.abort();
    }
  }

  /** The pods when this probe pod was created; without itself. @throws WatchLost */
  before({ uid }: Pick<PodIdentity, 'uid'>): PodsThen {
    const then = this.#before.get(uid);
    if (then == null || this.#isPartial) throw lost('the watch over the pods of the node broke');
    return then;
  }

  /** The pods now, without the probe pod; in the order of lists. */
  get now(): PodsThen {
    const sorted = [...this.#pods].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return { pods: sorted.map(([, pod]) => pod), takenAt: new Date().toISOString() };
  }

  async close(): Promise<void> {
    await this.states.close();
  }

  /** Of a probe pod that is in a list, it is not known what else there was when it was created. */
  #listed(items: readonly unknown[]): void {
    const pods = items.map((item) => this.#reduced(item)).filter((pod) => pod !== null);
    this.#pods.clear();
    for (const pod of pods) {
      if (!this.#isProbe(pod)) this.#pods.set(namespacedName(pod), pod);
      else if (!this.#before.has(pod.uid)) this.#before.set(pod.uid, null);
    }
  }

  #event(type: string, item: unknown): void {
    const pod = this.#reduced(item);
    if (pod === null) return;
    const revision = revisionOf(item);
    if (this.#isProbe(pod)) {
      if (!this.#before.has(pod.uid)) this.#before.set(pod.uid, { ...this.now, revision });
      return;
    }
    const name = namespacedName(pod);
    // Without its cache, an API server may start a watch before it reads what exists: the probe pod is then sent among it.
    if (type === 'ADDED' && !this.#pods.has(name))
      for (const then of this.#before.values())
        if (then !== null && revision < then.revision) then.pods.push(pod);
    if (type === 'DELETED') this.#pods.delete(name);
    else this.#pods.set(name, pod);
  }

  #isProbe(pod: Pod): boolean {
    return namespacedName(pod) === this.#probe;
  }

  /** What cannot be read is left to lists, which name it. */
  #reduced(item: unknown): Pod | null {
    try {
      return reducePod(item);
    } catch {
      this.#isPartial = true;
      return null;
    }
  }
}

const revisedSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** Revisions of etcd are numbers that grow. */
function revisionOf(item: unknown): number {
  const read = revisedSchema.safeParse(item);
  return read.success ? Number(read.data.metadata.resourceVersion) : Number.POSITIVE_INFINITY;
}

/** How long the API server may take to start a watch. A proxy may hold it back until the watch ends. */
const OPEN_MILLISECONDS = 10_000;

/** A watch takes a connection of its own where HTTP/2 is not spoken, and there are 64. */
const LARGEST_NUMBER = 40;

/** Watches over the pods of several nodes. */
export class NodeWatches {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  #number = 0;
  /** Known after the first try; false for good once a watch broke, so that no node waits for another in vain. */
  #isAllowed: Promise<boolean> | null = null;

  /** @param namespace - of the auditor's own pods */
  constructor(cluster: Cluster, namespace: string, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /**
   * Gets null where pods have to be listed: the right is missing (deploy/ of earlier versions), the API server does
   * not start the watch, or there are many already.
   */
  async whileFollowing<T>(
    node: string,
    name: string,
    work: (watch: NodeWatch | null) => Promise<T>,
  ): Promise<T> {
    if (this.#number >= LARGEST_NUMBER) return await work(null);
    this.#number += 1;
    let watch: NodeWatch | null = null;
    try {
      watch = await this.#start(node, name);
      return await work(watch);
    } catch (error) {
      if (error instanceof WatchLost) this.#isAllowed = Promise.resolve(false);
      throw error;
    } finally {
      this.#number -= 1;
      await watch?.close();
    }
  }

  async #start(node: string, name: string): Promise<NodeWatch | null> {
    const probe = { namespace: this.#namespace, name };
    const started = async (): Promise<NodeWatch> =>
      await NodeWatch.start(this.#cluster, node, probe, this.#signal);
    try {
      if (this.#isAllowed !== null) return (await this.#isAllowed) ? await started() : null;
      const first = started();
      this.#isAllowed = first.then(
        () => true,
        () => false,
      );
      return await first;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      this.#isAllowed = Promise.resolve(false);
      return null;
    }
  }
}
