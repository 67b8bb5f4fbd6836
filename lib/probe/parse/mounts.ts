/** Mount tables, and the files in pin directories. */

import type { Pin } from '../../model/evidence.ts';
import { canonicalPath } from '../../model/path.ts';
import { limited } from '../limits.ts';
import { addTo } from './collect.ts';
import { fields, integer, isoTime, lines } from './lines.ts';

/** Maximum number of directories in a path: more than anything on a node has. */
const DEEPEST = 256;

export type Mount = {
  readonly root: string;
  readonly path: string;
  readonly fileSystem: string;
  /** `shared`, `slave`, `private` or `unbindable`. */
  readonly propagation: string;
  /** Inode of the network namespace that an nsfs mount shows. */
  readonly inode: number | null;
};

/** One line of mountinfo (proc(5)): octal escapes are decoded, `net:[N]` becomes the inode. */
export function parseMount(line: string): Mount {
  const words = line.split(' ');
  const separator = words.indexOf('-', 6);
  const [, , , root, path] = words;
  const fileSystem = words[separator + 1];
  if (separator < 0 || root === undefined || path === undefined || fileSystem === undefined) {
    throw new Error('a line is not of mountinfo');
  }
  if (!path.startsWith('/')) throw new Error(`${JSON.stringify(path.slice(0, 60))} is no path of a mount`);
  // PATH_MAX, with every character escaped; deeper nesting would take too long to look through.
  if (path.length > 4 * 4096 || path.split('/').length > DEEPEST)
    throw new Error('the path of a mount is too long');
  const optional = words.slice(6, separator);
  const inode = fileSystem === 'nsfs' ? /^net:\[(\d{1,15})\]$/.exec(root)?.[1] : undefined;
  const propagation = optional.some((word) => word.startsWith('shared:'))
    ? 'shared'
    : optional.some((word) => word.startsWith('master:'))
      ? 'slave'
      : optional.includes('unbindable')
        ? 'unbindable'
        : 'private';
  return {
    root: unescaped(root),
    path: unescaped(path),
    fileSystem,
    propagation,
    inode: inode === undefined ? null : Number(inode),
  };
}

function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** `host/mounts`: the relevant mounts, and the total number. */
export function parseHostMounts(text: string): { mounts: Mount[]; total: number } {
  const all = lines(text);
  const total = /^total (\d{1,9})$/.exec(all.at(-1) ?? '')?.[1];
  if (total === undefined) throw new Error('the list of mounts is not complete');
  return { mounts: limited('mounts', all.slice(0, -1)).map(parseMount), total: Number(total) };
}

/** Without mounts hidden by a later mount on a parent directory, as a newly mounted /run hides a mounted /run/netns. */
export function reachable(mounts: readonly Mount[]): Mount[] {
  const last = new Map(mounts.map(({ path }, index) => [path, index]));
  return mounts.filter(
    ({ path }, index) => !directoriesAbove(path).some((one) => (last.get(one) ?? -1) > index),
  );
}

/** `/a/b/c`: `/a/b`, `/a` and `/`. */
function directoriesAbove(path: string): string[] {
  const above: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    above.push(path.slice(0, end));
  return path === '/' ? [] : [...above, '/'];
}

/** `host/mounts-elsewhere`: pid, mount namespace, line of its mountinfo. */
export function parseMountsElsewhere(text: string): { pid: number; mountNamespace: number; mount: Mount }[] {
  return fields(text, 3).map(([pid = '', namespace = '', line = '']) => ({
    pid: integer(pid),
    mountNamespace: integer(namespace),
    mount: parseMount(line),
  }));
}

/** File systems by the magic number of statfs(2). */
const FILE_SYSTEMS: Record<string, string> = {
  '6e736673': 'nsfs',
  '9fa0': 'proc',
  '1021994': 'tmpfs',
  ef53: 'ext4',
  '58465342': 'xfs',
  '9123683e': 'btrfs',
  '794c7630': 'overlay',
};

/**
 * The real paths of directories that are links, as in the mount table: lines `DIRECTORY REAL` of
 * `sandboxes.places`.
 */
export function realPaths(places: string): (path: string) => string {
  const real = new Map(
    fields(places, 2).map(([directory = '', target = '']) => [canonicalPath(directory), target] as const),
  );
  return (path) => {
    const normal = canonicalPath(path);
    const end = normal.lastIndexOf('/');
    const target = real.get(normal.slice(0, end));
    return target === undefined ? normal : `${target}${normal.slice(end)}`;
  };
}

/** `host/pins`: two lines per file, `fs MAGIC PATH` and `file INODE MODE TIME PATH`. */
export function parsePins(text: string, mounts: readonly Mount[]): Pin[] {
  const magics = new Map<string, string>();
  const mounted = new Map<string, number[]>();
  for (const { inode, path } of mounts) if (inode !== null) addTo(mounted, canonicalPath(path), inode);
  const pins = new Map<string, Pin>();
  for (const line of lines(text)) {
    const magic = /^fs ([0-9a-f]{1,16}) (.+)$/.exec(line);
    const file = /^file (\d{1,15}) (\S{10,11}) (-?\d{1,12}) (.+)$/.exec(line);
    if (magic?.[1] !== undefined && magic[2] !== undefined) magics.set(magic[2], magic[1]);
    else if (
      file?.[1] !== undefined &&
      file[2] !== undefined &&
      file[3] !== undefined &&
      file[4] !== undefined
    ) {
      const path = file[4];
      if (!path.startsWith('/')) throw new Error(`${JSON.stringify(path.slice(0, 60))} is no path of a pin`);
      // A repeated path is the same file.
      if (pins.has(path)) continue;
      const code = magics.get(path);
      pins.set(path, {
        path,
        fileSystem: code === undefined ? 'unknown' : (FILE_SYSTEMS[code] ?? `0x${code}`),
        inode: Number(file[1]),
        mode: file[2],
        modifiedAt: isoTime(Number(file[3])),
        mounted: mounted.get(canonicalPath(path)) ?? [],
      });
    }
  }
  return limited('pins', [...pins.values()]);
}
