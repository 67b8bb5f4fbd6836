/** Which faults were injected on which network, found, repaired and gone: docs/coverage.md is made of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Platform } from './cluster.ts';

/** Ids of faults by type of the plugin. */
export type Seen = Readonly<Record<string, readonly string[]>>;

const file = new URL('./seen.json', import.meta.url);

export function readSeen(): Seen {
  return JSON.parse(readFileSync(file, 'utf8')) as Seen;
}

/** Written down where a run is asked to (NETNS_AUDIT_E2E_NOTE), so that `npm run generate` can tell. */
export function noteSeen({ plugin }: Platform, ids: readonly string[]): void {
  if (process.env.NETNS_AUDIT_E2E_NOTE === undefined) return;
  const seen = readSeen();
  const all = new Set([...(seen[plugin] ?? []), ...ids]);
  writeFileSync(file, `${JSON.stringify({ ...seen, [plugin]: [...all].toSorted() }, null, 2)}\n`);
}
