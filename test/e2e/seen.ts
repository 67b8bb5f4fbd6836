/** Which faults were injected, found, repaired and gone on which network: docs/coverage.md is generated from it. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Platform } from './cluster.ts';

/** Ids of faults by type of the plugin. */
export type Seen = Readonly<Record<string, readonly string[]>>;

const file = new URL('./seen.json', import.meta.url);

export function readSeen(): Seen {
  return JSON.parse(readFileSync(file, 'utf8')) as Seen;
}

/** Written only if requested (NETNS_AUDIT_E2E_NOTE), for `npm run generate`. */
export function noteSeen({ plugin }: Platform, ids: readonly string[]): void {
  if (process.env.NETNS_AUDIT_E2E_NOTE === undefined) return;
  const seen = readSeen();
  const all = new Set([...(seen[plugin] ?? []), ...ids]);
  writeFileSync(file, `${JSON.stringify({ ...seen, [plugin]: [...all].toSorted() }, null, 2)}\n`);
}
