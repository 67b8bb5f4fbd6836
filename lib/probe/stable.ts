/**
 * What existed while the node was read. Pods start and end meanwhile, and a namespace is pinned before its
 * sandbox is recorded and unpinned after the record is gone: only what is in both readings is a leak, not a
 * starting or ending pod.
 */
import type { NetworkNamespace, Pin } from '../model/evidence.ts';
import { lines } from './parse/lines.ts';
import type { Mount } from './parse/mounts.ts';

/**
 * Pins that a second reading found to be the same file.
 * @param later - null in bundles without a second reading
 */
export function stablePins(pins: readonly Pin[], later: readonly Pin[] | null): Pin[] {
  if (later === null) return [...pins];
  const found = new Map(later.map((pin) => [pin.path, pin]));
  return pins.filter((pin) => {
    const again = found.get(pin.path);
    return again?.inode === pin.inode && again.fileSystem === pin.fileSystem;
  });
}

/**
 * Namespaces that were still reachable in the same way after everything was read. One that only the mount
 * table shows counts while it is listed there, unless a lookup now finds it: then it was created meanwhile.
 * @param later - lines `INODE PATH` of the index's paths, mounts and pins of the second reading; null if
 * there was none
 */
export function stableNamespaces(
  namespaces: readonly NetworkNamespace[],
  index: ReadonlySet<number>,
  later: {
    readonly reached: string | null;
    readonly mounts: readonly Mount[] | null;
    readonly pins: readonly Pin[] | null;
  },
): NetworkNamespace[] {
  const { reached, mounts, pins } = later;
  const inodes = reached === null ? null : new Set(lines(reached).map((line) => Number.parseInt(line, 10)));
  const mounted = mounts === null ? null : new Set(mounts.map(({ inode }) => inode));
  const found = new Set((pins ?? []).map(({ inode }) => inode));
  return namespaces.filter(({ host, inode }) => {
    if (host) return true;
    if (index.has(inode)) return inodes === null || inodes.has(inode);
    return mounted === null || (mounted.has(inode) && !found.has(inode));
  });
}
