/** The script that repairs one node. It finds the runtime with the same parts as the probe. */
import { partOf } from './script.ts';

/** Shell parts in the order in which they are joined, with their folders. */
export const REPAIR_PARTS = [
  ['./repair/', 'start.sh'],
  ['./probe/', 'here.sh'],
  ['./probe/', 'common.sh'],
  ['./probe/', 'runtimes.sh'],
  ['./probe/', 'ipam.sh'],
  ['./repair/', 'known.sh'],
  ['./repair/', 'orphans.sh'],
  ['./repair/', 'pairs.sh'],
  ['./repair/', 'leaked.sh'],
  ['./repair/', 'stale.sh'],
  ['./repair/', 'limits.sh'],
  ['./repair/', 'restore.sh'],
  ['./repair/', 'reboot.sh'],
  ['./repair/', 'end.sh'],
] as const;

let script: string | undefined;

/** @returns the whole script, for `sh -c`; the files are read once */
export function repairScript(): string {
  script ??= REPAIR_PARTS.map(([folder, name]) => partOf(folder, name)).join('\n');
  return script;
}
