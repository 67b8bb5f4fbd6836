/** Joins the two ends of each pair by (inode of the namespace, ifindex), in both directions (docs/traps.md T9, T10). */
import type { Link, Peer } from '../model/network.ts';
import { firstBy } from './parse/collect.ts';
import type { RawLink, RawStack } from './parse/raw-stack.ts';

/** The namespaces that were read, by inode. */
export type RawStacks = ReadonlyMap<number, RawStack>;

/** Maps one namespace's ids of other namespaces to inodes; null if the id has no name. */
export type NamespaceIds = ReadonlyMap<number, ReadonlyMap<number, number>>;

/**
 * The links of each namespace with their peers, by the namespace's inode.
 * @param gone - namespaces that ended while the node was read
 */
export function linkJoiner(
  stacks: RawStacks,
  ids: NamespaceIds,
  gone: ReadonlySet<number>,
): (inode: number) => Link[] {
  const known: Known = { stacks: new Map(), ids, gone, pointing: pointing(stacks, ids) };
  for (const [inode, { links }] of stacks) {
    const byName = firstBy(links.entries(), ([, { name }]) => name);
    const byIndex = firstBy(links.entries(), ([, { index }]) => index);
    known.stacks.set(inode, { byName, byIndex });
  }
  return (inode) =>
    (stacks.get(inode)?.links ?? []).map((raw) => {
      const { peerIndex: _index, peerName: _name, peerNamespaceId: _id, ...link } = raw;
      return { ...link, peer: peerOf(inode, raw, known) };
    });
}

/** A link with its position in its namespace's list. */
type Placed = readonly [number, RawLink];

type Known = {
  readonly stacks: Map<
    number,
    { readonly byName: ReadonlyMap<string, Placed>; readonly byIndex: ReadonlyMap<number, Placed> }
  >;
  readonly ids: NamespaceIds;
  readonly gone: ReadonlySet<number>;
  readonly pointing: ReadonlyMap<string, ReadonlySet<number>>;
};

function peerOf(inode: number, link: RawLink, { stacks, ids, gone, pointing: all }: Known): Peer | null {
  if (link.kind !== 'veth' && link.kind !== 'netkit') return null;
  if (link.peerNamespaceId === 'same') {
    const own = stacks.get(inode);
    const found = [
      link.peerName === null ? undefined : own?.byName.get(link.peerName),
      link.peerIndex === null ? undefined : own?.byIndex.get(link.peerIndex),
    ].filter((each) => each !== undefined);
    const peer = found.toSorted(([a], [b]) => a - b)[0]?.[1];
    return peer === undefined
      ? { status: 'missing', namespace: inode, index: link.peerIndex ?? 0 }
      : { status: 'matched', namespace: inode, index: peer.index, name: peer.name };
  }
  if (link.peerIndex === null) {
    return { status: 'unknown', reason: 'the kernel names no peer', namespaceId: link.peerNamespaceId };
  }
  const target = targetOf(inode, link, ids) ?? pointingBack(inode, link, all);
  if (target === null) {
    return {
      status: 'unknown',
      reason: "its peer's namespace has no name here",
      namespaceId: link.peerNamespaceId,
    };
  }
  const stack = stacks.get(target);
  if (stack === undefined) {
    if (gone.has(target)) return { status: 'unsettled' };
    return {
      status: 'unknown',
      reason: `namespace ${target} was not read`,
      namespaceId: link.peerNamespaceId,
    };
  }
  const peer = stack.byIndex.get(link.peerIndex)?.[1];
  if (peer === undefined) return { status: 'missing', namespace: target, index: link.peerIndex };
  const back = targetOf(target, peer, ids);
  const matched = peer.peerIndex === link.index && (back === null || back === inode);
  const { index, name } = peer;
  return matched
    ? { status: 'matched', namespace: target, index, name }
    : {
        status: 'mismatched',
        namespace: target,
        index,
        name,
        pointsTo:
          peer.peerIndex === null ? 'nothing' : `link ${peer.peerIndex} of namespace ${back ?? 'unknown'}`,
      };
}

function targetOf(inode: number, link: RawLink, ids: NamespaceIds): number | null {
  return typeof link.peerNamespaceId === 'number'
    ? (ids.get(inode)?.get(link.peerNamespaceId) ?? null)
    : null;
}

/** By `A B C`: the namespaces with a link A whose peer is link B of namespace C. */
function pointing(stacks: RawStacks, ids: NamespaceIds): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const [inode, { links }] of stacks) {
    for (const link of links) {
      const target = targetOf(inode, link, ids);
      if (target === null || link.peerIndex === null) continue;
      const key = `${link.index} ${link.peerIndex} ${target}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, new Set([inode]));
      else known.add(inode);
    }
  }
  return found;
}

/** The only namespace whose link of that number points back at this link. */
function pointingBack(inode: number, link: RawLink, all: Known['pointing']): number | null {
  const found = all.get(`${link.peerIndex} ${link.index} ${inode}`);
  if (found === undefined || found.size > 2) return null;
  const others = [...found].filter((other) => other !== inode);
  return others.length === 1 ? (others[0] ?? null) : null;
}
