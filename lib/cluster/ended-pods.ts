/**
 * Deletes pods that have ended: the first alone, which shows whether that is allowed, and the others together, one
 * request for many. Without the right to delete them together (deploy/ of earlier versions), one by one.
 */
import { randomBytes } from 'node:crypto';
import { AuditError } from '../model/errors.ts';
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
/** The quota's controller notices deletions late, usually within a second. The pauses grow. */
const QUOTA_PAUSE_MILLISECONDS = 1_000;
const LONGEST_QUOTA_PAUSE_MILLISECONDS = 5_000;
/** How much of a pod's time may pass before it is created: it needs the rest to run. */
const QUOTA_WAIT = 3 / 4;
/** In so many times of a pod, all pods that ran before have ended: more waiting would not help. */
const STANDSTILL = 2;

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
  readonly #waitsForRoom: boolean;
  /** Whether a quota has refused a pod: from then on, each pod is deleted when it ends. */
  #isTight = false;
  /** When a quota refused a pod and none was created since. */
  #refusedSince: number | null = null;

  constructor(
    cluster: Cluster,
    options: { namespace: string; batch?: number | undefined; waitsForRoom?: boolean | undefined },
  ) {
    this.#cluster = cluster;
    this.#namespace = options.namespace;
    this.#batch = options.batch;
    this.#waitsForRoom = options.waitsForRoom ?? true;
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
    if (this.#isTight) return await removeAlone(this.#cluster, this.#namespace, pod);
    this.#groups.find((group) => group === joined)?.ended.push(pod);
  }

  /**
   * Quotas of objects (`count/pods`) also count pods that have ended: if one refuses a pod, those of this process are
   * deleted now. Other batches hold pods too, and the quota learns late of deletions: so the pod is tried again.
   *
   * @param create - gets how many milliseconds are left
   * @param options.deadline - milliseconds that the pod has, from here to its end
   * @throws what `create` throws, at once if that is no quota
   */
  async withRoom<T>(
    create: (left: number) => Promise<T>,
    { deadline, signal }: { readonly deadline: number; readonly signal: AbortSignal },
  ): Promise<T> {
    const begin = Date.now();
    for (let tries = 0; ; tries += 1) {
      try {
        const created = await create(begin + deadline - Date.now());
        this.#refusedSince = null;
        return created;
      } catch (error) {
        if (!isOverQuota(error) || !this.#waitsForRoom) throw error;
        this.#refusedSince ??= Date.now();
        await this.#makeRoom();
        const end = Math.min(begin + deadline * QUOTA_WAIT, this.#refusedSince + deadline * STANDSTILL);
        const left = end - Date.now();
        if (left <= 0) throw tries === 0 ? error : refusedFor(Date.now() - begin, error);
        await pause(Math.min(left, quotaPause(tries)), signal, 'wait for room in the quota');
      }
    }
  }

  /** One by one, as other pods of their batch still run. */
  async #makeRoom(): Promise<void> {
    this.#isTight = true;
    const pods = this.#groups.flatMap(({ ended }) => ended.splice(0));
    await this.#removeEach(pods, AbortSignal.timeout(REMOVE_MILLISECONDS));
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

/** Not the same for all nodes, so that they do not ask together. */
function quotaPause(tries: number): number {
  const longest = Math.min(LONGEST_QUOTA_PAUSE_MILLISECONDS, QUOTA_PAUSE_MILLISECONDS * 2 ** tries);
  return longest * (0.5 + Math.random() / 2);
}

function refusedFor(milliseconds: number, error: AuditError): AuditError {
  const seconds = Math.round(milliseconds / 1_000);
  return new AuditError('PROBE_REFUSED', `no room within ${seconds} s: ${error.message}`, {
    cause: error,
    remedy: error.remedy,
  });
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
