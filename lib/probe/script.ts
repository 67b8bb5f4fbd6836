/**
 * Scripts that run in pods on nodes, joined from their parts, without comments and indentation: far below
 * etcd's limits.
 */
import { readFileSync } from 'node:fs';

/** Shell parts in the order in which they are joined: functions first, then schedule.sh, which runs them. */
export const PARTS = [
  'start.sh',
  'here.sh',
  'common.sh',
  'runtimes.sh',
  'specs.sh',
  'node.sh',
  'processes.sh',
  'mounts.sh',
  'resolv-conf.sh',
  'sandboxes.sh',
  'again.sh',
  'cni.sh',
  'ipam.sh',
  'plan.sh',
  'netlink.sh',
  'stack.sh',
  'suspects.sh',
  'creation.sh',
  'active.sh',
  'schedule.sh',
  'bundle.sh',
] as const;
export type ScriptPart = (typeof PARTS)[number];

/** Where a part embeds another file of its folder, between single quotes: `'<walk.pl>'`. */
export const EMBEDDED = /<([a-z-]+\.(?:awk|jq|pl|sh|txt))>/g;

let script: string | undefined;

/** @returns the whole script of the probe, for `sh -c`; the files are read once */
export function probeScript(): string {
  script ??= PARTS.map(probePart).join('\n');
  return script;
}

/** @returns one part as it is in the script, including embedded files */
export function probePart(name: ScriptPart): string {
  return partOf('./probe/', name);
}

/** @param folder - relative to this one, with a trailing slash */
export function partOf(folder: string, name: string): string {
  return compacted(folder, name).replaceAll(EMBEDDED, (_, file: string) => compacted(folder, file));
}

/** Without indentation, empty lines, and lines that begin with `#`, which are comments in each of the languages. */
function compacted(folder: string, file: string): string {
  // The folder is beside this module in a clone, and beside the code in a bundle.
  return readFileSync(new URL(`${folder}${file}`, import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}
