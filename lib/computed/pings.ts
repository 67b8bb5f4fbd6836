/** Reading of active probes. An answer that stays out is a fault only where nothing could mean to drop it (docs/traps.md T22). */
import type { PodNetwork, Sources } from '../model/evidence.ts';

export type Ping = Sources['active'][number]['pings'][number];

/** What was probed of this pod; undefined when nothing was. */
export function probesOf(
  network: PodNetwork,
  active: Sources['active'],
): Sources['active'][number] | undefined {
  return active.find(({ inode }) => inode === network.namespace);
}

/** Asked for by its MAC address, the target did not answer: nothing filters that but a broken path. */
export function unresolved(ping: Ping): boolean {
  return !ping.answered && ping.neighbour !== null && /\b(FAILED|INCOMPLETE)\b/i.test(ping.neighbour);
}
