/**
 * What runs saw on which network, for docs/coverage.md: faults that were injected, found, repaired and gone, and
 * audits of a busy healthy cluster that found nothing. Written only if requested (NETNS_AUDIT_E2E_NOTE).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Platform } from './cluster.ts';

/** Ids of faults by type of the plugin. */
export type Seen = Readonly<Record<string, readonly string[]>>;

/** The longest series of silent audits by type of the plugin. */
export type Silent = Readonly<Record<string, number>>;

const seenFile = new URL('./seen.json', import.meta.url);
const silentFile = new URL('./silent.json', import.meta.url);

export function readSeen(): Seen {
  return JSON.parse(readFileSync(seenFile, 'utf8')) as Seen;
}

export function readSilent(): Silent {
  return JSON.parse(readFileSync(silentFile, 'utf8')) as Silent;
}

export function noteSeen({ plugin }: Platform, ids: readonly string[]): void {
  const seen = readSeen();
  const all = new Set([...(seen[plugin] ?? []), ...ids]);
  note(seenFile, { ...seen, [plugin]: [...all].toSorted() });
}

export function noteSilent({ plugin }: Platform, audits: number): void {
  const silent = readSilent();
  note(silentFile, { ...silent, [plugin]: Math.max(audits, silent[plugin] ?? 0) });
}

function note(file: URL, records: Seen | Silent): void {
  if (process.env.NETNS_AUDIT_E2E_NOTE === undefined) return;
  writeFileSync(file, `${JSON.stringify(records, null, 2)}\n`);
}
