/** Events about pods that still exist. The API keeps events for an hour by default, in some clusters longer. */
import { DAY } from '../../model/days.ts';
import type { ObservedPod } from '../../model/evidence.ts';
import type { Event } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';

export type PodEvents = {
  readonly pod: ObservedPod;
  readonly count: number;
  readonly events: readonly Event[];
  readonly last: Event;
};

/**
 * The last day's events that `wanted` selects, by pod. Matched by uid, so events of an earlier pod with the
 * same name do not count.
 */
export function podEvents(
  events: readonly Event[],
  pods: readonly ObservedPod[],
  now: number,
  wanted: (event: Event) => boolean,
): PodEvents[] {
  const byPod = new Map<string, Event[]>();
  for (const event of events) {
    if (event.kind !== 'Pod' || !wanted(event)) continue;
    if (event.lastSeen !== null && now - Date.parse(event.lastSeen) > DAY) continue;
    const key = event.uid ?? namespacedName({ namespace: event.namespace ?? '', name: event.name });
    const known = byPod.get(key);
    if (known === undefined) byPod.set(key, [event]);
    else known.push(event);
  }
  return pods.flatMap((pod) => {
    const found = [...(byPod.get(pod.uid) ?? []), ...(byPod.get(namespacedName(pod)) ?? [])];
    const last = found.toSorted((a, b) => time(a) - time(b)).at(-1);
    if (last === undefined) return [];
    return [
      { pod, count: found.reduce((sum, event) => sum + Math.max(1, event.count), 0), events: found, last },
    ];
  });
}

/** Number of failed attempts from which a pod, or the pods of a node, count as failing. */
export const REPEATED = 3;

/** True if the pod has had a sandbox since: a container runs, or is held up only by itself or its image. */
export function hasSandboxSince({ pod, last }: PodEvents): boolean {
  return pod.containers.some(
    ({ running, startedAt, reason }) =>
      running ||
      (startedAt !== null && Date.parse(startedAt) > time(last)) ||
      (reason !== null && /BackOff|ErrImage|InvalidImage|CreateContainer|RunContainer/.test(reason)),
  );
}

/**
 * The kubelet's events about sandboxes that it could not create, by pod.
 * @param now - milliseconds since the epoch; older events are left out
 */
export function createFailures(
  events: readonly Event[],
  pods: readonly ObservedPod[],
  now: number,
): PodEvents[] {
  return podEvents(events, pods, now, ({ reason }) => reason === 'FailedCreatePodSandBox');
}

function time(event: Event): number {
  return event.lastSeen === null ? 0 : Date.parse(event.lastSeen);
}

/** The first and last time, if the events have them. */
export function span(events: readonly Event[]): string {
  const first = events
    .map(({ firstSeen }) => firstSeen)
    .filter((at) => at !== null)
    .toSorted()[0];
  const last = events
    .map(({ lastSeen }) => lastSeen)
    .filter((at) => at !== null)
    .toSorted()
    .at(-1);
  return first === undefined || last === undefined ? 'time not known' : `${first} to ${last}`;
}
