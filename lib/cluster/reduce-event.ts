/** Events of the API, of which any kubelet may write some. */
import * as z from 'zod';
import { type Event, eventSchema } from '../model/kubernetes.ts';
import { timeSchema } from '../model/time.ts';

const rawEvent = z.object({
  reason: z.string().nullish(),
  message: z.string().nullish(),
  involvedObject: z.object({
    kind: z.string().default(''),
    namespace: z.string().optional(),
    name: z.string().default(''),
    uid: z.string().optional(),
  }),
  source: z.object({ host: z.string().optional() }).nullish(),
  reportingInstance: z.string().nullish(),
  count: z.number().nullish(),
  series: z.object({ count: z.number().nullish(), lastObservedTime: z.string().nullish() }).nullish(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
});

/**
 * An event of the API (core/v1) with the fields that checks read; null for one that has not the form of an event.
 * Any kubelet may write events about its node and pods, so an odd one is left out and a time that is none is null.
 */
export function reduceEvent(item: unknown): Event | null {
  const { data: event } = rawEvent.safeParse(item);
  if (event === undefined) return null;
  const reduced = eventSchema.safeParse({
    reason: event.reason ?? '',
    message: (event.message ?? '').slice(0, 4096),
    kind: event.involvedObject.kind,
    namespace: event.involvedObject.namespace ?? null,
    name: event.involvedObject.name,
    uid: event.involvedObject.uid ?? null,
    node: event.source?.host ?? event.reportingInstance ?? null,
    count: event.series?.count ?? event.count ?? 1,
    firstSeen: timeOrNull(event.firstTimestamp ?? event.eventTime),
    lastSeen: timeOrNull(event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime),
  });
  return reduced.data ?? null;
}

/** The API prints years of five digits. */
function timeOrNull(text: string | null | undefined): string | null {
  return timeSchema.safeParse(text).data ?? null;
}
