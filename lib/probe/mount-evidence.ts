/** How many mounts the node has, how directories of pins are mounted, and which processes hold copies of pins. */
import type { Sources } from '../model/evidence.ts';
import { type Mount, type parseMountsElsewhere, reachable } from './parse/mounts.ts';
import type { ProcessLine } from './parse/processes.ts';

/** @returns the part `mounts` of the evidence */
export function mountEvidence({
  mounts,
  total,
  elsewhere,
  processes,
  limit,
}: {
  /** PID 1's mounts of namespaces, of pin directories and of their parents. */
  readonly mounts: readonly Mount[];
  readonly total: number;
  readonly elsewhere: ReturnType<typeof parseMountsElsewhere>;
  readonly processes: readonly ProcessLine[];
  readonly limit: number | null;
}): Sources['mounts'] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const nsfs = mounts.filter(({ fileSystem }) => fileSystem === 'nsfs');
  return {
    total,
    limit,
    nsfs: nsfs.length,
    pinned: new Set(nsfs.map(({ inode }) => inode)).size,
    directories: reachable(mounts)
      .filter(({ fileSystem }) => fileSystem !== 'nsfs')
      .map(({ path, fileSystem, propagation, root }) => ({ path, fileSystem, propagation, root })),
    elsewhere: [...Map.groupBy(elsewhere, (entry) => entry.mountNamespace)].flatMap(
      ([mountNamespace, entries]) => {
        // A mount that follows the host's is unmounted with it, so it holds nothing.
        const own = entries.filter(({ mount }) => mount.propagation !== 'slave');
        const pid = own[0]?.pid;
        if (pid === undefined) return [];
        return [
          {
            mountNamespace,
            pid,
            command: byPid.get(pid)?.command ?? '',
            containerId: byPid.get(pid)?.containerId ?? null,
            inodes: [...new Set(own.flatMap(({ mount }) => mount.inode ?? []))],
          },
        ];
      },
    ),
  };
}
