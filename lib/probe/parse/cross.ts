/** What pods and their node said to the next node (`--active cross`). */
import { isIP } from 'node:net';
import { type CrossPing, type CrossSent, HOPS } from '../../model/crossing.ts';
import type { BundleFiles } from '../unpack.ts';
import { integer, lines } from './lines.ts';

const OF_NAMESPACE = /^active\/(\d{1,15})\.cross$/;
/** Longer answers are none of fping's. */
const LINE = 300;
/** The probe asks at most four. */
const NAMESPACES = 10;

/**
 * `active/cross` has fping's lines from the node, `active/INODE.cross` those from a namespace: first of pings, then, if any
 * stayed without an answer, of pings that end at the first hop, the second and the third, each below `hops=NUMBER`.
 *
 * @param targets - whom they pinged: the next node, and pods of it
 * @param own - pods of the node that only the node pings
 */
export function readCross(
  files: BundleFiles,
  targets: readonly string[],
  own: readonly string[],
): CrossSent | null {
  const decoder = new TextDecoder();
  const node = files.get('active/cross');
  if (node === undefined) return null;
  return {
    node: pingsIn(decoder.decode(node), [...targets, ...own]),
    namespaces: [...files]
      .flatMap(([path, bytes]) => {
        const [, inode] = OF_NAMESPACE.exec(path) ?? [];
        return inode === undefined
          ? []
          : [{ inode: integer(inode), pings: pingsIn(decoder.decode(bytes), targets) }];
      })
      .slice(0, NAMESPACES),
  };
}

function pingsIn(text: string, targets: readonly string[]): CrossPing[] {
  const sections: string[][] = [[]];
  for (const line of lines(text)) {
    if (/^hops=\d$/.test(line)) sections.push([]);
    else if (line.length <= LINE) sections.at(-1)?.push(line);
  }
  const [pings = [], ...byHops] = sections;
  // Without fping there is neither.
  const asked = targets.filter(
    (target) => pings.includes(`${target} is alive`) || pings.includes(`${target} is unreachable`),
  );
  return asked.map((target) => ({
    target,
    answered: pings.includes(`${target} is alive`),
    hops: byHops.slice(0, HOPS).map((all) => repliesAbout(target, all).find(isExceeded)?.by ?? ''),
    refused:
      repliesAbout(target, pings)
        .filter((reply) => !isExceeded(reply))
        .map(({ what, by }) => `${what} from ${by}`)[0] ?? null,
  }));
}

type Reply = { readonly what: string; readonly by: string };

const isExceeded = ({ what }: Reply): boolean => /^Time Exceeded/i.test(what);

/** `ICMP Host Unreachable from 10.0.0.1 for ICMP Echo sent to 10.0.0.2`. */
function repliesAbout(target: string, all: readonly string[]): Reply[] {
  return all.flatMap((line) => {
    const [, what = '', by = '', to] =
      /^ICMP ([A-Za-z][A-Za-z .()-]{2,60}) from (\S{2,45}) for ICMP Echo sent to (\S{2,45})/.exec(line) ?? [];
    return to === target && isIP(by) !== 0 ? [{ what: what.trim(), by }] : [];
  });
}
