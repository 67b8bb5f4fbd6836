/** Who owns a network namespace: matched by inode, never by name or count (docs/traps.md T1, T2). */
import { CILIUM_HEALTH } from '../../model/cni-names.ts';
import type { Holder, NetworkNamespace, Pin, Sandbox } from '../../model/evidence.ts';
import type { Link } from '../../model/network.ts';
import { canonicalPath } from '../../model/path.ts';
import { listed } from '../../model/text.ts';

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The directory of a path; `/` for a path in the root. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

type OwnerSources = {
  readonly sandboxes: readonly Sandbox[];
  readonly namespaces: readonly NetworkNamespace[];
  readonly pins: readonly Pin[];
};

/**
 * The sandbox that owns each inode by its path, its process or a container's. A ready sandbox takes
 * precedence over a stopped one.
 */
export function sandboxesByInode({ sandboxes, namespaces, pins }: OwnerSources): Map<number, Sandbox> {
  const inodesByPath = new Map<string, number[]>();
  const pinned = (path: string, inodes: readonly number[]) => {
    const key = canonicalPath(path);
    const known = inodesByPath.get(key) ?? [];
    for (const inode of inodes) known.push(inode);
    inodesByPath.set(key, known);
  };
  for (const pin of pins) pinned(pin.path, isNamespaceFile(pin) ? [pin.inode, ...pin.mounted] : pin.mounted);
  for (const namespace of namespaces) for (const path of namespace.pins) pinned(path, [namespace.inode]);

  // Sandboxes of hostNetwork pods are in the node's own namespace: links on the node are not theirs.
  const host = namespaces.find((namespace) => namespace.host)?.inode;
  const owners = new Map<number, Sandbox>();
  for (const sandbox of sandboxes) {
    const byPath =
      sandbox.namespacePath === null ? [] : inodesByPath.get(canonicalPath(sandbox.namespacePath));
    const inodes = [
      ...(byPath ?? []),
      // A reused pid says nothing about the sandbox.
      sandbox.process === 'foreign' ? null : sandbox.networkNamespace,
      ...sandbox.containers.map((container) => container.networkNamespace),
    ];
    for (const inode of inodes) {
      if (inode === null || inode === host) continue;
      if (owners.get(inode)?.state !== 'ready') owners.set(inode, sandbox);
    }
  }
  return owners;
}

/** True if the path leads to a namespace; kernels before 3.19 show them on proc. */
export function isNamespaceFile(pin: Pick<Pin, 'fileSystem'>): boolean {
  return pin.fileSystem === 'nsfs' || pin.fileSystem === 'proc';
}

/** Ids of everything that runs in pod sandboxes on this node. */
export function podContainerIds(sandboxes: readonly Sandbox[]): Set<string> {
  return new Set(sandboxes.flatMap((sandbox) => [sandbox.id, ...sandbox.containers.map(({ id }) => id)]));
}

const FOREIGN_NAMES: readonly [RegExp, string][] = [
  [new RegExp(`^${CILIUM_HEALTH}$`), "Cilium's health endpoint"],
  [/^default$/, "docker's name of the node's own namespace"],
  [/^q(router|dhcp)-/, 'an OpenStack router or DHCP server'],
  [/^netns-/, 'a podman container'],
  [/^(1-|lb_|ingress_sbox)/, "docker's overlay and ingress networks"],
];

/** The program that is known to use this name; null if there is none. */
export function foreignName(path: string): string | null {
  const name = baseName(path);
  return FOREIGN_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** CRI-O names its pins with a plain UUID. */
export function isCrioName(path: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(baseName(path));
}

/** `cni-…` of containerd, a plain UUID of CRI-O, twelve hexadecimal digits of docker. */
export function isRuntimeName(path: string): boolean {
  const name = baseName(path);
  if (directoryOf(canonicalPath(path)) === '/run/docker/netns') return /^[0-9a-f]{12}$/.test(name);
  return name.startsWith('cni-') || isCrioName(path);
}

/** Devices that the kernel adds to every namespace. */
const FALLBACK = /^(lo|tunl0|gre0|gretap0|erspan0|sit0|ip6tnl0|ip_vti0|ip6_vti0|ip6gre0)$/;

/** The namespace's own links; null if its content was not read. */
export function ownLinks(namespace: NetworkNamespace): readonly Link[] | null {
  if (namespace.stack.status !== 'present') return null;
  return namespace.stack.value.links.filter((link) => !FALLBACK.test(link.name));
}

/** Names of the node's links whose peer is in the namespace. */
export function hostEnds(namespace: NetworkNamespace, hostInode: number): string[] {
  return (ownLinks(namespace) ?? []).flatMap(({ peer }) =>
    peer?.status === 'matched' && peer.namespace === hostInode ? [peer.name] : [],
  );
}

/** What the namespace still contains, as text: `eth0 10.244.1.9 (veth1234 on the node)`. */
export function contents(namespace: NetworkNamespace, hostInode: number): string {
  if (namespace.stack.status === 'absent') return 'what was not read';
  const links = ownLinks(namespace);
  if (links === null || namespace.stack.status !== 'present') return 'its content could not be read';
  if (links.length === 0) return 'nothing but loopback';
  const addresses = Map.groupBy(
    namespace.stack.value.addresses.filter(({ scope }) => scope === 'global'),
    ({ link }) => link,
  );
  return listed(
    links.map((link) => {
      const own = addresses.get(link.name) ?? [];
      const host =
        link.peer?.status === 'matched' && link.peer.namespace === hostInode ? link.peer.name : null;
      return [link.name, ...own.map(({ address }) => address), host === null ? '' : `(${host} on the node)`]
        .filter((word) => word !== '')
        .join(' ');
    }),
  );
}

/** Processes, threads and descriptors, without mounts in other mount namespaces: these disappear with the pin. */
export function liveHolders(namespace: NetworkNamespace): readonly Holder[] {
  return namespace.holders.filter((holder) => holder.via !== 'mount');
}

/**
 * Processes that connect a rootless user's containers to the network, and the container engine that shares
 * their namespace.
 */
function isRootlessEngine({ command, via }: Holder): boolean {
  return (
    /^(slirp4netns|pasta|passt|rootlesskit)/.test(command) ||
    (via === 'process' && /^(dockerd|podman|aardvark-dns|buildkitd)/.test(command))
  );
}

export type Ownership =
  /** The node's own, a sandbox's, or one that a pod created for itself (browsers, docker in a pod). */
  | { readonly kind: 'owned' }
  | { readonly kind: 'foreign'; readonly reason: string }
  /** Kept alive by a process, thread or descriptor that belongs to no pod of the runtime. */
  | { readonly kind: 'held' }
  /** Pinned, and nothing runs in it. */
  | { readonly kind: 'pinned' }
  /** Neither: only mounts in other mount namespaces hold it. */
  | { readonly kind: 'mounted' };

/** Which namespace check is responsible for a namespace, so that no two report it. */
export function ownershipOf(
  namespace: NetworkNamespace,
  owners: ReadonlyMap<number, Sandbox>,
  podContainers: ReadonlySet<string>,
): Ownership {
  if (namespace.host || owners.has(namespace.inode)) return { kind: 'owned' };
  const holders = liveHolders(namespace);
  const inPod = (holder: Holder) => holder.containerId !== null && podContainers.has(holder.containerId);
  if (holders.some((holder) => holder.via !== 'descriptor' && inPod(holder))) return { kind: 'owned' };
  // Containers that run inside a pod (docker in docker) are connected to that pod, not to the node.
  if (ownLinks(namespace)?.some(({ peer }) => peer?.status === 'matched' && owners.has(peer.namespace)))
    return { kind: 'owned' };
  const known = namespace.pins.map(foreignName).find((reason) => reason !== null);
  if (known !== undefined && known !== null) return { kind: 'foreign', reason: known };
  // Containers of docker, podman and nerdctl are in no pod's cgroup; their namespaces end with their
  // processes.
  if (holders.some(({ via, containerId, ofPod }) => via === 'process' && containerId !== null && !ofPod))
    return { kind: 'foreign', reason: 'a container that belongs to no pod (docker, podman, nerdctl)' };
  if (holders.some((holder) => !holder.ofPod && isRootlessEngine(holder)))
    return { kind: 'foreign', reason: 'the network of a container engine without root' };
  if (holders.some(({ command }) => command.startsWith(CILIUM_HEALTH)))
    return { kind: 'foreign', reason: "Cilium's health endpoint" };
  if (holders.length > 0) {
    const named = namespace.pins.length > 0 && !namespace.pins.some(isRuntimeName);
    return named ? { kind: 'foreign', reason: 'a named namespace in use by a process' } : { kind: 'held' };
  }
  return namespace.pins.length > 0 ? { kind: 'pinned' } : { kind: 'mounted' };
}
