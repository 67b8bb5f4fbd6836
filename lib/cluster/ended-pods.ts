/**
 * Deletes pods that have ended: the first alone, which shows whether that is allowed, and the others together, one
 * request for many. Without the right to delete them together (deploy/ of earlier versions), one by one.
 */
import { randomBytes } from 'node:crypto';
import { forEachLimited } from '../model/limit.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';
import { isOverQuota } from './create-pod.ts';
import type { PodIdentity } from './pod-state.ts';
import { deletePod, deletePodsOfBatch } from './sweep.ts';
import { pause } from './transport.ts';

/** Where the caller has no batches. Until they are deleted, etcd keeps 45 kB of each. */
const LARGEST_GROUP = 25;
/**
 * Removing pods continues after an abort, but only this long, and within what functions keep in reserve
 * (lambda/handler.ts). API servers delete pods together one after the other.
 */
const REMOVE_MILLISECONDS = 20_000;
const REMOVE_ONE_MILLISECONDS = 10_000;
const AT_ONCE = 10;
/** The quota's controller notices the deletions first, usually within a second. */
const QUOTA_PAUSE_MILLISECONDS = 1_000;
const QUOTA_TRIES = 3;

/** Pods that are deleted together, once none of them runs any more. */
export type PodGroup = {
  /** Value of the label that they have in common, within the attempt. */
  readonly batch: string;
  readonly size: number;
  readonly running: number;
};

type Group = { readonly batch: string; size: number; running: number; ended: PodIdentity[] };

export class EndedPods {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  /** Value of a label of all its pods. */
  readonly attempt = randomBytes(8).toString('hex');
  /** Undefined: groups are numbered here. */
  readonly #batch: number | undefined;
  readonly #groups: Group[] = [];
  #first: Promise<void> | null = null;
  #mayTogether = true;
  /** The latest deletion that made room in a quota; null if there was nothing to delete yet. */
  #room: Promise<void> | null = null;

  constructor(cluster: Cluster, options: { namespace: string; batch?: number | undefined }) {
    this.#cluster = cluster;
    this.#namespace = options.namespace;
    this.#batch = options.batch;
  }

  /** The group of a new pod. Call {@link leave} when it has ended or is deleted. */
  join(): PodGroup {
    let group = this.#groups.at(-1);
    if (group === undefined || this.#isFull(group)) {
      group = { batch: String(this.#batch ?? this.#groups.length), size: 0, running: 0, ended: [] };
      this.#groups.push(group);
    }
    group.size += 1;
    group.running += 1;
    return group;
  }

  /** Deletes an ended pod of this group, now or later. @throws AuditError CLUSTER_FORBIDDEN */
  async remove(joined: PodGroup, pod: PodIdentity): Promise<void> {
    if (this.#first === null) {
      this.#first = removeAlone(this.#cluster, this.#namespace, pod);
      return await this.#first;
    }
    // Without the right to delete pods, no node is audited.
    await this.#first;
    this.#groups.find((group) => group === joined)?.ended.push(pod);
  }

  /**
   * Quotas of objects (`count/pods`) also count pods that have ended: if one refuses a pod, those of this process are
   * deleted now, and the pod is created again.
   *
   * @throws what `create` throws: if that is a quota, then there was nothing to delete, or others took the room
   */
  async withRoom<T>(create: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await create();
      } catch (error) {
        if (!isOverQuota(error) || tries === QUOTA_TRIES || !(await this.#makeRoom())) throw error;
        await pause(QUOTA_PAUSE_MILLISECONDS, signal, 'wait for room in the quota');
      }
    }
  }

  /** One by one, as other pods of their batch still run. @returns whether there was room to make, now or before */
  async #makeRoom(): Promise<boolean> {
    const pods = this.#groups.flatMap(({ ended }) => ended.splice(0));
    if (pods.length > 0) this.#room = this.#removeEach(pods, AbortSignal.timeout(REMOVE_MILLISECONDS));
    await this.#room;
    return this.#room !== null;
  }

  async leave(joined: PodGroup): Promise<void> {
    const group = this.#groups.find((each) => each === joined);
    if (group === undefined) return;
    group.running -= 1;
    if (group.running === 0 && this.#isFull(group)) await this.#removeAll(group);
  }

  /** Deletes what is left: nothing may run any more. */
  async close(): Promise<void> {
    await Promise.all(this.#groups.map((group) => this.#removeAll(group)));
  }

  #isFull({ size }: Group): boolean {
    return this.#batch === undefined && size >= LARGEST_GROUP;
  }

  /** A failure is no error of the audit: the pods have ended, and the next run deletes them. */
  async #removeAll(group: Group): Promise<void> {
    const pods = group.ended.splice(0);
    const signal = AbortSignal.timeout(REMOVE_MILLISECONDS);
    if (pods.length > 1 && this.#mayTogether) {
      try {
        const of = { attempt: this.attempt, batch: group.batch };
        await deletePodsOfBatch(this.#cluster, this.#namespace, of, {
          signal,
          deadline: REMOVE_MILLISECONDS,
        });
        return;
      } catch (error) {
        // Who does not answer in time is not asked for each.
        if (statusOf(error) === null) return;
        if (statusOf(error) === 403) this.#mayTogether = false;
      }
    }
    await this.#removeEach(pods, signal);
  }

  async #removeEach(pods: readonly PodIdentity[], signal: AbortSignal): Promise<void> {
    await forEachLimited(pods, AT_ONCE, async ({ name, uid }) => {
      await deletePod(this.#cluster, this.#namespace, name, { signal, uid }).catch(() => {});
    });
  }
}

/**
 * Deletes a pod, also after an abort. The run continues if that fails, as the pod ends by itself; but not without the
 * right to delete.
 *
 * @throws AuditError CLUSTER_FORBIDDEN
 */
export async function removeAlone(
  cluster: Cluster,
  namespace: string,
  { name, uid }: PodIdentity,
): Promise<void> {
  try {
    await deletePod(cluster, namespace, name, { deadline: REMOVE_ONE_MILLISECONDS, uid });
  } catch (error) {
    if (statusOf(error) === 403) throw error;
  }
}
