/** The script of the probe pod, joined from its parts in ./probe: without comments and indentation, far below etcd's limits. */
import { readFileSync } from 'node:fs';

/** Shell parts in the order in which they are joined: functions first, then schedule.sh, which runs them. */
export const PARTS = [
  'start.sh',
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
export type Part = (typeof PARTS)[number];

/** Where a part has a program in another file, between single quotes: `'<walk.pl>'`. */
export const EMBEDDED = /<([a-z-]+\.(?:awk|jq|pl|sh|txt))>/g;

let script: string | undefined;

/** @returns the whole script, for `sh -c`; the files are read once */
export function probeScript(): string {
  script ??= PARTS.map(probePart).join('\n');
  return script;
}

/** @returns one part as it is in the script, with the programs that it embeds */
export function probePart(name: Part): string {
  return compacted(name).replaceAll(EMBEDDED, (_, file: string) => compacted(file));
}

/** Without indentation, empty lines and lines that begin with `#`, which are comments in each of the languages. */
function compacted(file: string): string {
  // The folder is beside this module in a clone, and beside the code wherever that is bundled.
  return readFileSync(new URL(`./probe/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}
