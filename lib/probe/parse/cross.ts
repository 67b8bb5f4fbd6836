/** What pods and their node said to the next node (`--active cross`). */
import { isIP } from 'node:net';
import { type CrossPing, type CrossSent, HOPS, PINGS_OF_A_NODE } from '../../model/crossing.ts';
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
        return inode === undefined ? [] : [{ inode: integer(inode), bytes }];
      })
      .slice(0, NAMESPACES)
      .map(({ inode, bytes }) => ({ inode, pings: pingsIn(decoder.decode(bytes), targets) })),
  };
}

/** A node may say that it pinged all of these: results that others read hold no more than a probe sends. */
function pingsIn(text: string, targets: readonly string[]): CrossPing[] {
  const all = new Set(targets);
  const sections: Section[] = [new Map()];
  for (const line of lines(text)) {
    if (/^hops=\d$/.test(line)) {
      if (sections.length > HOPS) break;
      sections.push(new Map());
      continue;
    }
    const said = line.length > LINE ? null : saidIn(line);
    const section = sections.at(-1);
    if (said === null || !all.has(said.target)) continue;
    // The first line of each kind counts.
    section?.set(said.target, { ...said.what, ...section.get(said.target) });
  }
  const [pings, ...byHops] = sections;
  return [...all]
    .flatMap((target) => {
      const said = pings?.get(target);
      // Without fping there is neither.
      if (said?.alive === undefined && said?.unreachable === undefined) return [];
      return [
        {
          target,
          answered: said.alive === true,
          hops: byHops.map((section) => section.get(target)?.exceeded ?? ''),
          refused: said.refused ?? null,
        },
      ];
    })
    .slice(0, PINGS_OF_A_NODE);
}

/** What the lines say about each target. */
type Section = Map<string, Said>;
type Said = {
  readonly alive?: true;
  readonly unreachable?: true;
  /** Who said that the packet's lifetime ended there. */
  readonly exceeded?: string;
  /** What a router answered instead. */
  readonly refused?: string;
};

function saidIn(line: string): { readonly target: string; readonly what: Said } | null {
  const [, to, is] = /^(\S{2,45}) is (alive|unreachable)$/.exec(line) ?? [];
  if (to !== undefined) return { target: to, what: is === 'alive' ? { alive: true } : { unreachable: true } };
  // `ICMP Host Unreachable from 10.0.0.1 for ICMP Echo sent to 10.0.0.2`.
  const [, what = '', by = '', target] =
    /^ICMP ([A-Za-z][A-Za-z .()-]{2,60}) from (\S{2,45}) for ICMP Echo sent to (\S{2,45})/.exec(line) ?? [];
  if (target === undefined || isIP(by) === 0) return null;
  const isExceeded = /^Time Exceeded/i.test(what);
  return { target, what: isExceeded ? { exceeded: by } : { refused: `${what.trim()} from ${by}` } };
}
