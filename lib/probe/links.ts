/** Joins the two ends of each pair, by (inode of the namespace, ifindex), in both directions (docs/traps.md T9, T10). */
import type { Link, Peer } from '../model/network.ts';
import type { RawLink, RawStack } from './parse/ip.ts';

/** The namespaces that were read, by inode. */
export type RawStacks = ReadonlyMap<number, RawStack>;

/** Resolves ids as one namespace counts them: its inode, or null when the id has no name. */
export type NamespaceIds = ReadonlyMap<number, ReadonlyMap<number, number>>;

/** The links of one namespace with their peers. @param gone - namespaces that ended while the node was read */
export function joinLinks(
  inode: number,
  stacks: RawStacks,
  ids: NamespaceIds,
  gone: ReadonlySet<number>,
): Link[] {
  return (stacks.get(inode)?.links ?? []).map((raw) => {
    const { peerIndex: _index, peerName: _name, peerNamespaceId: _id, ...link } = raw;
    return { ...link, peer: peerOf(inode, raw, stacks, ids, gone) };
  });
}

function peerOf(
  inode: number,
  link: RawLink,
  stacks: RawStacks,
  ids: NamespaceIds,
  gone: ReadonlySet<number>,
): Peer | null {
  if (link.kind !== 'veth' && link.kind !== 'netkit') return null;
  if (link.peerNamespaceId === 'same') {
    const peer = stacks
      .get(inode)
      ?.links.find(({ name, index }) => name === link.peerName || index === link.peerIndex);
    return peer === undefined
      ? { status: 'missing', namespace: inode, index: link.peerIndex ?? 0 }
      : { status: 'matched', namespace: inode, index: peer.index, name: peer.name };
  }
  if (link.peerIndex === null) {
    return { status: 'unknown', reason: 'the kernel names no peer', namespaceId: link.peerNamespaceId };
  }
  const target = targetOf(inode, link, ids) ?? pointingBack(inode, link, stacks, ids);
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
  const peer = stack.links.find(({ index }) => index === link.peerIndex);
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

/** The one namespace whose link of that number points back at this very link. */
function pointingBack(inode: number, link: RawLink, stacks: RawStacks, ids: NamespaceIds): number | null {
  const found = [...stacks].filter(
    ([other, stack]) =>
      other !== inode &&
      stack.links.some(
        (peer) =>
          peer.index === link.peerIndex &&
          peer.peerIndex === link.index &&
          targetOf(other, peer, ids) === inode,
      ),
  );
  return found.length === 1 ? (found[0]?.[0] ?? null) : null;
}
