/** Network namespaces, with what pins them, holds them and is in them. */

import type { Holder, NetworkNamespace, Part, Pin } from '../model/evidence.ts';
import type { NetworkStack, Peer } from '../model/network.ts';
import { canonicalPath } from '../model/path.ts';
import { limited } from './limits.ts';
import { linkJoiner, type NamespaceIds } from './links.ts';
import { addTo } from './parse/collect.ts';
import { fields, integer, lines } from './parse/lines.ts';
import type { Mount, parseMountsElsewhere } from './parse/mounts.ts';
import { THE_NODE } from './parse/netlink.ts';
import type { ProcessLine, parseReferences } from './parse/processes.ts';
import type { Stacks } from './stacks.ts';

type Inputs = {
  /** Lines `INODE KIND PATH`: every namespace to which something leads. */
  readonly index: string;
  /** Inodes of namespaces that ended, or became unreachable, before they were read. */
  readonly gone: string;
  readonly hostInode: number;
  readonly stacks: Stacks;
  readonly pins: readonly Pin[];
  readonly mounts: readonly Mount[];
  readonly processes: readonly ProcessLine[];
  readonly threads: ReturnType<typeof parseReferences>;
  readonly descriptors: ReturnType<typeof parseReferences>;
  readonly elsewhere: ReturnType<typeof parseMountsElsewhere>;
  readonly nodeLinks: NodeLinks;
};

/** The node's links (`INDEX: NAME`) before and after everything else was read; null in bundles without them. */
export type NodeLinks = { readonly before: string | null; readonly after: string | null };

/**
 * Whether a link existed throughout: the link of a starting or ending pod leads to a namespace that may not
 * exist yet, or any more (docs/traps.md T37).
 */
export function stableLinks({
  before,
  after,
}: NodeLinks): (link: { index: number; name: string }) => boolean {
  const seen = [linkNames(before), linkNames(after)];
  return (link) => seen.every((names) => names === null || names.get(link.index) === link.name);
}

/** All network namespaces of a node, by inode, with what leads to each, what holds it and what is in it. */
export function joinNamespaces(inputs: Inputs): NetworkNamespace[] {
  const { hostInode, stacks, pins, processes } = inputs;
  // A mount that a lookup no longer finds keeps its namespace alive, though nobody can enter it.
  const mounted = inputs.mounts.flatMap(({ inode }) => inode ?? []);
  const gone = new Set(lines(inputs.gone).map(integer));
  const found = limited('namespaces', fields(inputs.index, 3)).map(([inode = '']) => integer(inode));
  const reached = new Set(found);
  const inodes = [...new Set([hostInode, ...[...found, ...mounted].filter((inode) => !gone.has(inode))])];
  const raw = new Map(
    inodes.flatMap((inode) => {
      const stack = stacks.byName.get(inode === hostInode ? 'host' : String(inode));
      return stack?.status === 'present' ? [[inode, stack.value.raw] as const] : [];
    }),
  );
  const inodeOfName = namesToInodes(hostInode, pins);
  const ids: NamespaceIds = new Map(
    [...raw].map(([inode, stack]) => [
      inode,
      new Map(
        stack.ids.flatMap(({ id, name }) => {
          const target = name === null ? undefined : inodeOfName(name);
          return target === undefined ? [] : [[id, target] as const];
        }),
      ),
    ]),
  );
  const hostIds = ids.get(hostInode);
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const holder = (pid: number, via: Holder['via']): Holder => ({
    pid,
    command: byPid.get(pid)?.command ?? '',
    via,
    containerId: byPid.get(pid)?.containerId ?? null,
    ofPod: byPid.get(pid)?.ofPod ?? false,
  });
  const holders = new Map<number, Holder[]>();
  const add = (inode: number | null, one: Holder) => {
    // Everything holds the node's own namespace.
    if (inode === null || inode === hostInode) return;
    addTo(holders, inode, one);
  };
  for (const process of processes) add(process.networkNamespace, holder(process.pid, 'process'));
  for (const { pid, inode } of inputs.threads) add(inode, holder(pid, 'thread'));
  for (const { pid, inode } of inputs.descriptors) add(inode, holder(pid, 'descriptor'));
  for (const { pid, mount } of inputs.elsewhere) add(mount.inode, holder(pid, 'mount'));
  const paths = new Map<number, string[]>();
  for (const pin of pins) if (isNamespaceFile(pin)) addTo(paths, pin.inode, pin.path);
  for (const { inode, path } of inputs.mounts) if (inode !== null) addTo(paths, inode, canonicalPath(path));
  const namespaceIds = new Map<number, number[]>();
  for (const [id, target] of hostIds ?? []) addTo(namespaceIds, target, id);
  const known = { reached, linksOf: linkJoiner(raw, ids, gone), isStable: stableLinks(inputs.nodeLinks) };
  return inodes.map((inode) => ({
    inode,
    host: inode === hostInode,
    pins: [...new Set(paths.get(inode))],
    holders: holders.get(inode) ?? [],
    namespaceIds: namespaceIds.get(inode) ?? [],
    stack: stackOf(inode, inputs, known),
  }));
}

const isNamespaceFile = (pin: Pin) => pin.fileSystem === 'nsfs' || pin.fileSystem === 'proc';

/**
 * The names in the probe's directory: those of pins, and `inode-N` for the rest. In older bundles `host` is
 * the node as pods know it.
 */
function namesToInodes(hostInode: number, pins: readonly Pin[]): (name: string) => number | undefined {
  const byName = new Map(
    pins.filter(isNamespaceFile).map((pin) => [pin.path.replace(/^.*\//, ''), pin.inode]),
  );
  return (name) => {
    if (name === THE_NODE || (name === 'host' && !byName.has(name))) return hostInode;
    const inode = /^inode-(\d{1,15})$/.exec(name)?.[1];
    return inode === undefined ? byName.get(name) : Number(inode);
  };
}

function stackOf(
  inode: number,
  { hostInode, stacks }: Inputs,
  {
    reached,
    linksOf,
    isStable,
  }: {
    readonly reached: ReadonlySet<number>;
    readonly linksOf: ReturnType<typeof linkJoiner>;
    readonly isStable: ReturnType<typeof stableLinks>;
  },
): Part<NetworkStack> {
  const stack = stacks.byName.get(inode === hostInode ? 'host' : String(inode));
  if (stack === undefined && stacks.leftOut !== null && reached.has(inode))
    return { status: 'absent', reason: stacks.leftOut };
  if (stack === undefined)
    return { status: 'failed', reason: 'no path leads into it, or the probe did not get to it' };
  if (stack.status !== 'present') return stack;
  const { addresses, routes, rules, neighbours, programs } = stack.value.raw;
  return {
    status: 'present',
    value: {
      links: linksOf(inode).map((link) =>
        inode !== hostInode || link.peer === null || leadsIntoPod(link.peer, hostInode) || isStable(link)
          ? link
          : { ...link, peer: { status: 'unsettled' } },
      ),
      addresses: [...addresses],
      routes: [...routes],
      rules: [...rules],
      neighbours: [...neighbours],
      packetFilters:
        inode === hostInode && stacks.hostFilters.status === 'present'
          ? stacks.hostFilters.value
          : stack.value.filters,
      packetFiltersFailed:
        inode === hostInode && stacks.hostFilters.status !== 'present'
          ? stacks.hostFilters.reason
          : stack.value.filtersFailed,
      conntrackEntries: stack.value.conntrackEntries,
      ...(stack.value.ipsecPolicies.length === 0 ? {} : { ipsecPolicies: [...stack.value.ipsecPolicies] }),
      ...(stack.value.ttl === null ? {} : { ttl: stack.value.ttl }),
      ...(programs === undefined ? {} : { programs: [...programs] }),
    },
  };
}

/** A pair with both ends on the node may be about to be moved into a pod. */
function leadsIntoPod(peer: Peer, hostInode: number): boolean {
  return peer.status === 'matched' && peer.namespace !== hostInode;
}

function linkNames(text: string | null): Map<number, string> | null {
  if (text === null) return null;
  return new Map(
    lines(text).flatMap((line) => {
      const found = /^(\d{1,10}): ([^@]+)/.exec(line);
      return found?.[2] === undefined ? [] : [[Number(found[1]), found[2]] as const];
    }),
  );
}
