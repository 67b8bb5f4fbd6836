/**
 * What stood while the node was read. Pods come and go meanwhile, and a namespace is pinned before its sandbox is
 * recorded and unpinned after it is gone: of two readings, only what is in both tells a leak from a pod on its way.
 */
import type { NetworkNamespace, Pin } from '../model/evidence.ts';
import { lines } from './parse/lines.ts';
import type { Mount } from './parse/mounts.ts';

/** Pins that a second reading found to be the same file. @param later null in bundles without a second reading. */
export function stablePins(pins: readonly Pin[], later: readonly Pin[] | null): Pin[] {
  if (later === null) return [...pins];
  const found = new Map(later.map((pin) => [pin.path, pin]));
  return pins.filter((pin) => {
    const again = found.get(pin.path);
    return again?.inode === pin.inode && again.fileSystem === pin.fileSystem;
  });
}

/**
 * Namespaces that could still be reached as before when all had been read. One that only the mount table shows stands
 * while it is in there, unless a lookup finds it by now: then it was made meanwhile.
 * @param later lines `INODE PATH` of the index's paths, mounts and pins of the second reading; null where there was none.
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
