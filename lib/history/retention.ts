/** Finds what is old enough to delete in a directory store. A bucket has lifecycle rules for it. */

import * as z from 'zod';
import { dayBefore } from '../model/days.ts';
import { dayOf, isRunId } from '../model/run-id.ts';
import { type OnDamage, parsedJson, unlessDamaged } from './damage.ts';
import type { DirectoryStore } from './directory.ts';
import { clusterOf, PREFIXES } from './keys.ts';
import { readPointer } from './reports.ts';

/** Days that each kind is kept. The files of a running audit (`work`) are finished within hours. */
type RetentionDays = { readonly evidence: number; readonly reports: number; readonly work: number };

type Kind = {
  [Each in keyof typeof PREFIXES]: (typeof PREFIXES)[Each] extends null ? never : Each;
}[keyof typeof PREFIXES];

export const kinds = (Object.keys(PREFIXES) as (keyof typeof PREFIXES)[]).filter(
  (each): each is Kind => PREFIXES[each] !== null,
);

/**
 * Keys of one kind past their days, oldest first. For each cluster this keeps the run that `latest` names,
 * its newest run and the record of its last message: the next audit compares with them. A cluster with an
 * unreadable pointer stays as it is, as its target is unknown; so do files that the auditor did not name.
 *
 * @param onDamage - called for pointers that cannot be read
 * @throws AuditError STORE
 */
export async function* expired(
  store: DirectoryStore,
  kind: Kind,
  days: RetentionDays,
  now: Date,
  onDamage: OnDamage,
): AsyncGenerator<string> {
  const before = dayBefore(now.getTime(), days[PREFIXES[kind]]);
  const kept = new Map<string, ReadonlySet<string> | null>();
  for await (const key of store.list(`${kind}/`)) {
    const { cluster, runId } = partsOf(kind, key);
    if (runId === null || dayOf(runId) >= before) continue;
    if (cluster !== null) {
      if (!kept.has(cluster)) kept.set(cluster, await keptRuns(store, cluster, onDamage));
      const runs = kept.get(cluster);
      if (runs == null || runs.has(runId)) continue;
    }
    yield key;
  }
}

/**
 * Parses `evidence/cluster=C/dt=D/RUN/…`, `nodes/dt=D/cluster=C/RUN.ndjson.gz`, `fleet/dt=D/RUN.json` and
 * `work/RUN/…`.
 */
function partsOf(kind: Kind, key: string): { cluster: string | null; runId: string | null } {
  const [, cluster = null] = /\/cluster=([^/]+)\//.exec(key) ?? [];
  const [, name = ''] =
    kind === 'work'
      ? (/^work\/([^/]+)\//.exec(key) ?? [])
      : (/^[a-z]+\/(?:(?:cluster|dt)=[^/]+\/)+([^/.]+)/.exec(key) ?? []);
  return { cluster, runId: isRunId(name) ? name : null };
}

const lastSchema = z.object({ runId: z.string().refine(isRunId, 'it names no run') });

/** @param part - the cluster as written in keys @returns null if it cannot be known */
async function keptRuns(
  store: DirectoryStore,
  part: string,
  onDamage: OnDamage,
): Promise<ReadonlySet<string> | null> {
  const cluster = clusterOf(part);
  if (cluster === null) return null;
  const kept = new Set<string>();
  const found = await unlessDamaged(async () => {
    // A name too long for a key decodes only its start: its pointer is found by the key.
    const pointer = part.includes('@') ? await pointerAt(store, `latest/cluster=${part}.json`) : null;
    const latest = pointer ?? (await readPointer(store, cluster))?.runId ?? null;
    if (latest !== null) kept.add(latest);
    const alerted = await pointerAt(store, `alerts/cluster=${part}/last.json`);
    if (alerted !== null) kept.add(alerted);
    return true;
  }, onDamage);
  if (found === null) return null;
  let newest: string | null = null;
  for await (const key of store.list(`reports/cluster=${part}/dt=`))
    newest = partsOf('reports', key).runId ?? newest;
  if (newest !== null) kept.add(newest);
  return kept;
}

async function pointerAt(store: DirectoryStore, key: string): Promise<string | null> {
  const held = await store.get(key);
  return held === null ? null : parsedJson(store, key, held.body, lastSchema).runId;
}
