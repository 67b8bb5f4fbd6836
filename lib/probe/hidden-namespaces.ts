/** Network namespaces to which no pin, process or descriptor leads, and the sockets that keep them alive. */
import type { CniResult, HiddenNamespace, NetworkNamespace, Pin, SocketHolder } from '../model/evidence.ts';
import { canonicalPath } from '../model/path.ts';
import { type NodeLinks, stableLinks } from './namespaces.ts';
import { addTo } from './parse/collect.ts';
import { fields, integer } from './parse/lines.ts';
import type { ProcessLine } from './parse/processes.ts';
import type { Stacks } from './stacks.ts';

/**
 * Ids that the node knows but that lead nowhere, with the links into them. An uplink of the node may be one
 * end of a pair whose other end belongs to the surrounding machine (kind, k3d): that namespace is outside,
 * not hidden.
 */
export function hiddenNamespaces(inputs: {
  readonly stacks: Stacks;
  readonly namespaces: readonly NetworkNamespace[];
  readonly suspects: string;
  /** Lines of `host/holders`; null if the sockets of suspects were not read. */
  readonly holders: string | null;
  readonly processes: readonly ProcessLine[];
  readonly nodeLinks: NodeLinks;
  readonly nodeAddresses: readonly string[];
  readonly pins: readonly Pin[];
  readonly results: readonly CniResult[];
}): HiddenNamespace[] {
  const host = inputs.stacks.byName.get('host');
  if (host?.status !== 'present') throw new Error(host?.reason ?? "the node's own namespace was not read");
  const { links, ids, addresses, routes } = host.value.raw;
  if (inputs.namespaces.length > 1 && ids.length > 1 && ids.every(({ name }) => name === null)) {
    throw new Error('the ids of namespaces could not be resolved');
  }
  const known = new Set(inputs.namespaces.flatMap(({ namespaceIds }) => namespaceIds));
  const uplinks = new Set([
    ...addresses.filter(({ address }) => inputs.nodeAddresses.includes(address)).map(({ link }) => link),
    ...routes
      .filter(({ destination, table }) => destination.endsWith('/0') && table === 'main')
      .map(({ link }) => link),
  ]);
  // The namespace behind a shadowed pin cannot be entered, but is not hidden.
  const shadowed = new Set(
    inputs.pins
      .filter((pin) => pin.mounted.some((inode) => inode !== pin.inode))
      .map((pin) => canonicalPath(pin.path)),
  );
  const ofShadowed = new Set(
    inputs.results
      .filter(({ namespacePath }) => namespacePath !== null && shadowed.has(canonicalPath(namespacePath)))
      .flatMap(({ interfaces }) => interfaces.filter(({ inPod }) => !inPod).map(({ name }) => name)),
  );
  const isStable = stableLinks(inputs.nodeLinks);
  const suspects = fields(inputs.suspects, 3).map(([pid = '', sockets = '', command = '']) => ({
    pid: integer(pid),
    command: command.slice(0, 64),
    sockets: integer(sockets),
  }));
  const { holdersOf, unread } = socketHolders(inputs.holders, inputs.processes);
  const linksInto = new Map<number, string[]>();
  for (const link of links)
    if (typeof link.peerNamespaceId === 'number' && isStable(link))
      addTo(linksInto, link.peerNamespaceId, link.name);
  return (
    ids
      // An id with a name was reachable while the ids were read; if its pod has ended since, that is no leak.
      .filter(({ id, name }) => name === null && !known.has(id))
      .map(({ id }) => ({
        namespaceId: id,
        links: linksInto.get(id) ?? [],
        suspects,
        holders: holdersOf.get(id) ?? [],
        socketsUnread: suspects.length === 0 ? null : unread,
      }))
      .filter(
        ({ links: into, holders }) =>
          into.length + holders.length > 0 && !into.some((name) => uplinks.has(name) || ofShadowed.has(name)),
      )
  );
}

/**
 * Which processes hold sockets of which namespace, by its id on the node: lines `PID INODE ID SOCKETS`, and
 * last `asked ASKED REFUSED WHY`. A namespace without an id has no link to the node.
 */
function socketHolders(
  text: string | null,
  processes: readonly ProcessLine[],
): { holdersOf: Map<number, SocketHolder[]>; unread: string | null } {
  const holdersOf = new Map<number, SocketHolder[]>();
  const found = fields(text ?? '', 4);
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  for (const [pid = '', , id = '', sockets = ''] of found) {
    const process = byPid.get(Number(pid));
    if (!/^\d+$/.test(id) || process === undefined) continue;
    const { command, containerId, podUid } = process;
    addTo(holdersOf, integer(id), {
      pid: integer(pid),
      command,
      sockets: integer(sockets),
      containerId,
      podUid,
    });
  }
  const [, , refused, why = ''] = found.find(([first]) => first === 'asked') ?? [];
  if (refused === undefined) return { holdersOf, unread: 'sockets of the node could not be asked' };
  return {
    holdersOf,
    unread: refused === '0' ? null : `${integer(refused)} sockets could not be asked: ${why.slice(0, 100)}`,
  };
}
