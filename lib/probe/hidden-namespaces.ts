/** Network namespaces that no pin, process or descriptor leads to, and whose sockets keep them alive. */
import type { CniResult, HiddenNamespace, NetworkNamespace, Pin, SocketHolder } from '../model/evidence.ts';
import { canonicalPath } from '../model/path.ts';
import { type NodeLinks, stableLinks } from './namespaces.ts';
import { addTo } from './parse/collect.ts';
import { fields, integer } from './parse/lines.ts';
import type { ProcessLine } from './parse/processes.ts';
import type { Stacks } from './stacks.ts';

/**
 * Ids that the node knows and that lead nowhere, with the links into them. An uplink of the node itself may be one end
 * of a pair whose other end belongs to the machine around it (kind, k3d): that is not hidden, it is outside.
 */
export function hiddenNamespaces(inputs: {
  readonly stacks: Stacks;
  readonly namespaces: readonly NetworkNamespace[];
  readonly suspects: string;
  /** Lines of `host/holders`; null where the sockets of suspects were not asked. */
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
  // Behind a shadowed pin is a namespace that we cannot enter, but that is not hidden.
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
      // Something led to one with a name while the ids were read; if its pod ended since, that is no leak.
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
 * Who holds sockets of which namespace, by its id on the node: lines `PID INODE ID SOCKETS`, and last `asked ASKED REFUSED WHY`. One
 * without an id has no link of the node.
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
