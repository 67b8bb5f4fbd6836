/** Reads active probes. A missing answer is a fault only if nothing may drop packets on purpose (docs/traps.md T22). */
import type { PodNetwork, Sources } from '../../model/evidence.ts';

export type Ping = Sources['active'][number]['pings'][number];

/** The probes of this pod; undefined if there were none. */
export function probesOf(
  network: PodNetwork,
  active: Sources['active'],
): Sources['active'][number] | undefined {
  return active.find(({ inode }) => inode === network.namespace);
}

/** The target did not answer ARP or neighbour discovery: only a broken path prevents that. */
export function unresolved(ping: Ping): boolean {
  return !ping.answered && ping.neighbour !== null && /\b(FAILED|INCOMPLETE)\b/i.test(ping.neighbour);
}
