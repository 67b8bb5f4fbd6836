/** Nodes that have just joined and that others may not know yet. */

/** Agents learn of a new node within seconds, but a growing cluster has many new nodes at once. */
const JOINING_SECONDS = 300;

/**
 * @param now - milliseconds since the epoch
 * @returns true for a node that is ready and that all others should know
 */
export function isKnownToAll(
  { ready, createdAt }: { readonly ready: boolean; readonly createdAt: string },
  now: number,
): boolean {
  return ready && now - Date.parse(createdAt) > JOINING_SECONDS * 1000;
}
