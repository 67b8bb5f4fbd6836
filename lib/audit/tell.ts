/** Tells of a report what is news, once, and keeps what was said. */
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
import { keys, type OnDamage, parsedJson, type Run, type Store, unlessDamaged } from '../history/index.ts';
import { partitionOf } from '../model/aws-names.ts';
import type { Thresholds } from '../model/config.ts';
import { AuditError } from '../model/errors.ts';
import type { ClusterReport } from '../model/report.ts';
import { isRunId, timeOf } from '../model/run-id.ts';
import { assertDelivered, deliverLate, deliverNews, deliverState, NOTHING } from './deliver.ts';

/**
 * The record is written after the message was taken: at least once, and twice only if the process ends between the two. Where
 * one of several destinations does not take it, the record keeps it for that one, and the next run tries again.
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
    /** Told of records that cannot be read; what was told is then taken from the one before, if there is one. */
    readonly onDamage: OnDamage;
    /** A longer time between two runs is told. Default: never, as where an alarm watches over the schedule. */
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
  const links = linksTo(store, run, deps.consoleRegion);
  const message = clusterMessage(report, changes, links, notes, thresholds.reminderDays);
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
 * Before the record is written: where it can help to try again, all of the run is told again, and events have the ids that they had. What
 * the bus will not take holds up no mail.
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

/** Messages kept for destinations that are away; what is older is in the reports. */
const KEPT = 20;

/** Tells what destinations did not take when the run was told, and forgets it. */
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
 * The record that was written last. It may be of a run that began later: an hourly run ends while a nightly one is under
 * way, and what either said is said.
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

/** Records that are tried for one that can be read. */
const TRIED = 50;

/** Where nothing points to a record: the newest of its month or the one before, as a rule; else the last there is. */
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

function monthBefore(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 1 ? `${year - 1}-12` : `${year}-${String(number - 1).padStart(2, '0')}`;
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

/** Where all clusters of a run are to be read; `key` is the one of the run's page or report. */
export function linksToFleet(store: Store, key: string, consoleRegion: string | null): ReportLinks {
  return {
    page: consolePage(store, key, consoleRegion),
    command: `netns-audit reports list --since 1d --store ${store.location}`,
  };
}

/** Partitions differ in their domain. */
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

/** Whoever may read the bucket may read it there; a link that carries its own right is sent to nobody. */
export function consolePage(store: Store, key: string, region: string | null): string | null {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(store.location) ?? [];
  if (bucket === undefined || region === null) return null;
  const object = encodeURIComponent(`${prefix ? `${prefix}/` : ''}${key}`);
  return `https://${region}.${consoleOf(region)}/s3/object/${bucket}?region=${region}&prefix=${object}`;
}

/** A key as part of a URL: it has `%` of its own. */
export function urlPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
