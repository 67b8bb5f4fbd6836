/** What of a store in a directory is old enough to go. A bucket has lifecycle rules for it. */

import * as z from 'zod';
import { dayBefore } from '../model/days.ts';
import { dayOf, isRunId } from '../model/run-id.ts';
import { type OnDamage, parsedJson, unlessDamaged } from './damage.ts';
import type { DirectoryStore } from './directory.ts';
import { clusterOf, PREFIXES } from './keys.ts';
import { readPointer } from './reports.ts';

/** Days that each kind is kept. What a running audit is at (`work`) is done within hours. */
type RetentionDays = { readonly evidence: number; readonly reports: number; readonly work: number };

type Kind = {
  [Each in keyof typeof PREFIXES]: (typeof PREFIXES)[Each] extends null ? never : Each;
}[keyof typeof PREFIXES];

export const kinds = (Object.keys(PREFIXES) as (keyof typeof PREFIXES)[]).filter(
  (each): each is Kind => PREFIXES[each] !== null,
);

/**
 * Keys of one kind that are older than its days, oldest first. Of each cluster the run that `latest` names stays whole, and
 * so do its newest run and the record of its last message: what the next audit compares with. A cluster whose pointer cannot
 * be read is left as it is, as nobody knows what it leads to; what is not named as the auditor names things is not touched.
 *
 * @param onDamage - told of pointers that cannot be read
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

/** Of `evidence/cluster=C/dt=D/RUN/…`, `nodes/dt=D/cluster=C/RUN.ndjson.gz`, `fleet/dt=D/RUN.json` and `work/RUN/…`. */
function partsOf(kind: Kind, key: string): { cluster: string | null; runId: string | null } {
  const [, cluster = null] = /\/cluster=([^/]+)\//.exec(key) ?? [];
  const [, name = ''] =
    kind === 'work'
      ? (/^work\/([^/]+)\//.exec(key) ?? [])
      : (/^[a-z]+\/(?:(?:cluster|dt)=[^/]+\/)+([^/.]+)/.exec(key) ?? []);
  return { cluster, runId: isRunId(name) ? name : null };
}

const lastSchema = z.object({ runId: z.string().refine(isRunId, 'it names no run') });

/** @param part - the cluster as it stands in keys @returns null where it cannot be known */
async function keptRuns(
  store: DirectoryStore,
  part: string,
  onDamage: OnDamage,
): Promise<ReadonlySet<string> | null> {
  const cluster = clusterOf(part);
  if (cluster === null) return null;
  const kept = new Set<string>();
  const found = await unlessDamaged(async () => {
    // Of a name too long for a key only the start can be read back: its pointer is found by the key.
    const pointer = part.includes('@') ? await pointerAt(store, `latest/cluster=${part}.json`) : null;
    const latest = pointer ?? (await readPointer(store, cluster))?.runId ?? null;
    if (latest !== null) kept.add(latest);
    const told = await pointerAt(store, `alerts/cluster=${part}/last.json`);
    if (told !== null) kept.add(told);
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
