/** Compares an IPAM store on the node with the runtime's sandboxes. */
import { BRANCH_ENI } from '../../model/cni-names.ts';
import { CALICO, cniPlugin } from '../../model/cni-plugins.ts';
import type { Ipam, PodNetwork, Sandbox, Sources } from '../../model/evidence.ts';
import type { AuditedObject } from '../../model/finding.ts';
import { sameAddress } from '../cidr.ts';

export type Allocation = Ipam['allocations'][number];

/** The store itself is the object: everything wrong in it is one finding, however many addresses are affected. */
export function ipamObject(ipam: Ipam, node: string): AuditedObject {
  return { kind: 'file', name: ipam.network, node, path: ipam.path };
}

/** Half-written reservations name no pod (plugins#498); they are left to ipam-corrupt. */
export function isHalfWritten(allocation: Allocation): boolean {
  return allocation.containerId === '';
}

/**
 * True if the entry is older than `settleSeconds`. An entry without a time is judged, as two runs must see it
 * anyway.
 */
export function isOld(allocation: Allocation, now: number, settleSeconds: number): boolean {
  return allocation.modifiedAt === null || now - Date.parse(allocation.modifiedAt) >= settleSeconds * 1000;
}

/**
 * Why the store may not belong to the pods; null if it does. podman and nerdctl keep theirs in the same
 * directory, so ids that the CRI does not know are no leak there.
 */
export function notOfPods(
  ipam: Ipam,
  sandboxes: readonly Sandbox[],
  cniConfig: Sources['cniConfig'],
  cniResults: Sources['cniResults'],
): string | null {
  if (ipam.kind !== 'host-local') return null;
  const ids = new Set(sandboxes.map(({ id }) => id));
  const used =
    cniConfig.files.some(({ network }) => network === ipam.network) ||
    cniResults.some(({ network, containerId }) => network === ipam.network && ids.has(containerId)) ||
    ipam.allocations.some(({ containerId }) => ids.has(containerId));
  return used ? null : `no CNI configuration and no pod uses the network ${ipam.network}`;
}

/** The store that gave the pod's main interface its addresses, or why there is none to compare with. */
function ipamOf(network: PodNetwork, stores: readonly Ipam[]): Ipam | string {
  if (cniPlugin(network.plugin)?.addresses === 'eni') {
    if (
      network.hostLink?.name.startsWith(BRANCH_ENI.link) ||
      BRANCH_ENI.annotation in network.pod.annotations
    ) {
      return 'the address is that of a branch ENI, which ipamd does not keep';
    }
    return stores.find(({ kind }) => kind === 'aws') ?? "ipamd's checkpoint is not on the node";
  }
  const blocks = stores.find(({ kind }) => kind === 'calico');
  if (network.plugin === CALICO && blocks !== undefined) return blocks;
  const result = network.results.find((entry) => entry.interface === network.interface);
  if (result === undefined) return 'no CNI result names the network of the pod';
  return (
    stores.find((ipam) => ipam.kind === 'host-local' && ipam.network === result.network) ??
    `the plugin ${network.plugin ?? ''} keeps the addresses of ${result.network} elsewhere`
  );
}

/** True if the pod had its address when the store was listed: containers start only after the plugin has given it. */
function hadAddress({ pod, sandbox }: PodNetwork, { listedAt }: Ipam): boolean {
  if (listedAt === undefined) return true;
  const before = (time: string | null) => time !== null && Date.parse(time) <= Date.parse(listedAt);
  return before(sandbox.createdAt) && pod.containers.some(({ startedAt }) => before(startedAt));
}

/**
 * An agent writes an endpoint within this many seconds of creating a pod's network, even if many pods start
 * at once.
 */
const RECORDED_SECONDS = 60;

/** True if the sandbox may be too new for a list that was read before the node. */
export function isAfterList(
  { createdAt }: Pick<Sandbox, 'createdAt'>,
  { listedAt }: { readonly listedAt?: string | undefined },
): boolean {
  if (listedAt === undefined) return false;
  return createdAt === null || Date.parse(createdAt) > Date.parse(listedAt) - RECORDED_SECONDS * 1000;
}

/** The pod's API addresses that its CNI result or its namespace also has: those actually in use. */
export function addressesInUse(network: PodNetwork): string[] {
  const held = [
    ...network.results.flatMap((result) => result.addresses.map(({ address }) => address)),
    ...(network.stack?.addresses ?? []).map(({ address }) => address),
  ];
  return network.pod.podIPs.filter((ip) => held.some((address) => sameAddress(address, ip)));
}

/**
 * The store of a pod's addresses and those in use, to be compared; or why they cannot be. An unreadable store
 * is left to another check.
 */
export function comparedAllocations(
  network: PodNetwork,
  stores: readonly Ipam[],
): { readonly store: Ipam; readonly addresses: readonly string[] } | { readonly unknown: string } | string {
  const store = ipamOf(network, stores);
  if (typeof store === 'string') return store;
  if (store.unread !== undefined) return { unknown: store.unread };
  if (!hadAddress(network, store))
    return 'the pod may have been given its address after those taken were listed';
  const addresses = addressesInUse(network);
  if (addresses.length === 0) return 'the pod has no address to compare';
  if (store.corrupt.some(({ path }) => path === store.path))
    return 'the store cannot be read: see ipam-corrupt';
  return { store, addresses };
}
