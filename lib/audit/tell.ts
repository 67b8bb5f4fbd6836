/** Reports a run's news once, and records what was sent. */
import * as z from 'zod';
import {
  type AlertRecord,
  alertRecordSchema,
  changesOf,
  clusterMessage,
  type EventBus,
  eventsOf,
  isNews,
  type Notifier,
  type ReportLinks,
} from '../alert/index.ts';
import { whyByCheck } from '../checks/catalogue.ts';
import { keys, type OnDamage, parsedJson, type Run, type Store, unlessDamaged } from '../history/index.ts';
import { partitionOf } from '../model/aws-names.ts';
import type { Thresholds } from '../model/config.ts';
import { monthBefore } from '../model/days.ts';
import { AuditError } from '../model/errors.ts';
import type { ClusterReport } from '../model/report.ts';
import { isRunId, timeOf } from '../model/run-id.ts';
import { assertDelivered, deliverLate, deliverNews, deliverState, NOTHING } from './deliver.ts';

/**
 * The record is written after the message is accepted: at least once, and twice only if the process ends in
 * between. Where one of several destinations does not accept it, the record keeps it for that one, and the
 * next run tries again.
 *
 * @returns whether a message was sent for this run, now or before
 * @throws AuditError STORE, ALERT
 */
export async function tell(
  store: Store,
  report: ClusterReport,
  thresholds: Thresholds,
  deps: {
    readonly notifiers: readonly Notifier[];
    /** Default: changes go to no event bus. */
    readonly bus?: EventBus | null;
    readonly consoleRegion: string | null;
    /** Shows the report where readers of messages cannot reach the store. Default: `reports show`. */
    readonly command?: string | null;
    /** Called for unreadable records; the previous record, if any, then says what was sent. */
    readonly onDamage: OnDamage;
    /** Reports a longer time between two runs. Default: never, as where an alarm watches the schedule. */
    readonly expectedWithinHours?: number;
  },
): Promise<boolean> {
  const run = { cluster: report.cluster.name, runId: report.runId };
  const own = await readRecord(store, keys.alerts(run));
  if (own !== null) {
    await catchUp(store, run, own, deps.notifiers);
    await remember(store, run);
    return own.message !== null;
  }
  let isDamaged = false;
  const before = await recordBefore(store, run, (damage) => {
    isDamaged = true;
    deps.onDamage(damage);
  });
  const changes = changesOf(report, before, thresholds, deps.expectedWithinHours ?? null);
  const notes =
    isDamaged && before === null
      ? ['The record of earlier messages cannot be read: all open findings are reported again.']
      : [];
  const { page, command } = linksTo(store, run, deps.consoleRegion);
  const links = { page, command: deps.command ?? command };
  const message = clusterMessage(report, changes, links, notes, thresholds.reminderDays, whyByCheck);
  const said = isNews(changes) ? message : null;
  const unsent = await putEvents(deps.bus ?? null, () => eventsOf(report, changes, links));
  const stale = await deliverState(deps.notifiers, message);
  const late = await deliverLate(deps.notifiers, before?.undelivered ?? []);
  const delivery = said === null ? NOTHING : await deliverNews(deps.notifiers, said);
  const undelivered = [...late.undelivered, ...delivery.undelivered].slice(-KEPT);
  const record: AlertRecord = {
    schemaVersion: 1,
    kind: 'AlertRecord',
    ...run,
    message:
      said === null
        ? null
        : {
            id: delivery.ids.join(' '),
            to: delivery.takers.join(', '),
            subject: said.subject,
            text: said.text,
          },
    ...(undelivered.length === 0 ? {} : { undelivered }),
    ...changes.next,
  };
  await store.putOnce(keys.alerts(run), Buffer.from(`${JSON.stringify(record)}\n`));
  await remember(store, run);
  assertDelivered([...unsent, ...stale, ...late.failures, ...delivery.failures]);
  return said !== null;
}

/**
 * Before the record is written: where a retry can help, the whole run is reported again, and events keep
 * their ids. What the bus refuses delays no mail.
 */
async function putEvents(
  bus: EventBus | null,
  events: () => ReturnType<typeof eventsOf>,
): Promise<AuditError[]> {
  if (bus === null) return [];
  try {
    await bus.put(events());
    return [];
  } catch (error) {
    if (!(error instanceof AuditError) || error.retryable) throw error;
    return [error];
  }
}

/** Messages kept for destinations that are down; reports have older ones. */
const KEPT = 20;

/** Sends what destinations did not accept earlier, and forgets it. */
async function catchUp(
  store: Store,
  run: Run,
  record: AlertRecord,
  notifiers: readonly Notifier[],
): Promise<void> {
  if (record.undelivered === undefined || record.undelivered.length === 0) return;
  const { undelivered, failures } = await deliverLate(notifiers, record.undelivered);
  const key = keys.alerts(run);
  const held = await store.get(key);
  await store.replace(
    key,
    Buffer.from(`${JSON.stringify({ ...record, undelivered })}\n`),
    held?.etag ?? null,
  );
  assertDelivered(failures);
}

const pointerSchema = z.object({ runId: z.string().refine(isRunId, 'it names no run') });

/** Of two runs that end at the same moment either may be the last. */
async function remember(store: Store, run: Run): Promise<void> {
  const key = keys.lastAlert(run.cluster);
  const held = await store.get(key);
  await store.replace(key, Buffer.from(`${JSON.stringify({ runId: run.runId })}\n`), held?.etag ?? null);
}

/**
 * The last written record. It may be of a run that began later: an hourly run ends during a nightly one,
 * and what either sent is sent.
 */
async function recordBefore(store: Store, run: Run, onDamage: OnDamage): Promise<AlertRecord | null> {
  const last = await unlessDamaged(async () => {
    const key = keys.lastAlert(run.cluster);
    const held = await store.get(key);
    if (held === null) return null;
    const { runId } = parsedJson(store, key, held.body, pointerSchema);
    return await readRecord(store, keys.alerts({ ...run, runId }));
  }, onDamage);
  return last ?? (await newestBefore(store, run, onDamage));
}

/** Records tried until one is readable. */
const TRIED = 50;

/** Where nothing points to a record: usually the newest of its month or the month before; else the last one. */
async function newestBefore(store: Store, run: Run, onDamage: OnDamage): Promise<AlertRecord | null> {
  const month = timeOf(run.runId).slice(0, 7);
  for (const time of [month, monthBefore(month), '']) {
    const last: string[] = [];
    for await (const key of store.list(keys.alertsOf(run.cluster, time))) {
      if (key < keys.alerts(run)) last.push(key);
      if (last.length > TRIED) last.shift();
    }
    for (const key of last.toReversed()) {
      const found = await unlessDamaged(() => readRecord(store, key), onDamage);
      if (found !== null) return found;
    }
  }
  return null;
}

async function readRecord(store: Store, key: string): Promise<AlertRecord | null> {
  const stored = await store.get(key);
  if (stored === null) return null;
  return parsedJson(store, key, stored.body, alertRecordSchema);
}

function linksTo(store: Store, run: Run, consoleRegion: string | null): ReportLinks {
  return {
    page: consolePage(store, keys.reportPage(run), consoleRegion),
    command: `netns-audit reports show ${run.runId} --cluster ${run.cluster} --store ${store.location}`,
  };
}

/** Links to all clusters of a run; `key` is that of the run's page or report. */
export function linksToFleet(store: Store, key: string, consoleRegion: string | null): ReportLinks {
  return {
    page: consolePage(store, key, consoleRegion),
    command: `netns-audit reports list --since 1d --store ${store.location}`,
  };
}

/** Each partition has its own domain. */
function consoleOf(region: string): string {
  switch (partitionOf(region)) {
    case 'aws-cn':
      return 'console.amazonaws.cn';
    case 'aws-us-gov':
      return 'console.amazonaws-us-gov.com';
    default:
      return 'console.aws.amazon.com';
  }
}

/** Readers of the bucket may read it there; presigned links are never sent. */
export function consolePage(store: Store, key: string, region: string | null): string | null {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store.location) ?? [];
  if (bucket === undefined || region === null) return null;
  const object = encodeURIComponent(`${prefix ? `${prefix}/` : ''}${key}`);
  return `https://${region}.${consoleOf(region)}/s3/object/${bucket}?region=${region}&prefix=${object}`;
}

/** A key as part of a URL: it may contain `%` itself. */
export function urlPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
