/**
 * How an address leaves Calico's own records, as libcalico-go releases it: first its block, then the handle that counts
 * the addresses of its owner. All of it is pure; lib/audit/release-allocations.ts reads and writes.
 */
import { addressKey } from '../model/address.ts';
import {
  type AddressHolder,
  addressAt,
  type CalicoBlockObject,
  type CalicoHandleObject,
  takenAt,
} from '../model/calico-ipam.ts';
import type { LeakedAllocation } from '../model/leaked-allocation.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import { counted } from '../model/text.ts';

/** The refusal of an address that is free already. */
export const ALREADY_FREE = 'it is free already';

/** What a block says of one address. */
export type BlockEntry = {
  readonly ordinal: number;
  readonly handle: string;
  readonly attribute: CalicoBlockObject['spec']['attributes'][number];
  /** Of the block when the address was taken; null if the block does not keep it. */
  readonly sequence: string | null;
};

/** Whether the address is the container's, by its block. */
export function holdsAddress(block: CalicoBlockObject | null, leaked: LeakedAllocation): boolean {
  if (block === null) return false;
  return handleAt(block, ordinalOf(block, leaked.address))?.endsWith(`.${leaked.container}`) === true;
}

function ordinalOf({ spec }: CalicoBlockObject, address: string): number {
  const key = addressKey(address);
  return spec.allocations.findIndex((_, ordinal) => addressKey(addressAt(spec.cidr, ordinal)) === key);
}

function handleAt({ spec }: CalicoBlockObject, ordinal: number): string | null {
  return spec.attributes[spec.allocations[ordinal] ?? -1]?.handle_id ?? null;
}

/** Fields of an attribute that this version knows: others may name another owner, as those of live migrations do. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set(['handle_id', 'secondary']);

/** Handles that are no pod's (libcalico-go/lib/ipam/ipam_block.go). */
const WINDOWS_RESERVED = 'windows-reserved-ipam-handle';

/** What is asked of a block. */
type Expected = {
  readonly node: string;
  readonly now: number;
  /** An address that was taken later may belong to a pod that is being created. */
  readonly minimumSeconds: number;
};

/** The entry of a leaked address, if the block still says of it what was found; else why it must not be freed. */
export function leakedEntry(
  block: CalicoBlockObject | null,
  leaked: LeakedAllocation,
  { node, now, minimumSeconds }: Expected,
): BlockEntry | string {
  if (block === null) return 'its block is gone';
  const { spec } = block;
  if (spec.deleted === true) return 'its block is being deleted';
  const ordinal = ordinalOf(block, leaked.address);
  if (ordinal < 0) return 'its block does not have the address';
  const index = spec.allocations[ordinal] ?? null;
  if (index === null) return ALREADY_FREE;
  const attribute = spec.attributes[index];
  if (attribute === undefined || spec.unallocated.includes(ordinal)) return 'its block contradicts itself';
  const handle = attribute.handle_id ?? '';
  const secondary = attribute.secondary ?? {};
  if (handle.toLowerCase() === WINDOWS_RESERVED) return 'it is reserved for Windows';
  if (secondary.type !== undefined) return 'it is the address of a tunnel, a gateway or a Service';
  if (!handle.endsWith(`.${leaked.container}`)) return 'it belongs to another container by now';
  if (secondary.namespace !== leaked.pod.namespace || secondary.pod !== leaked.pod.name)
    return 'it belongs to another pod by now';
  if (secondary.node !== node) return 'it belongs to another node by now';
  if (Object.entries(attribute).some(([field, value]) => !KNOWN_FIELDS.has(field) && value != null))
    return 'its block says more of it than this version knows';
  if (nodeOfBlock(block) === null) return 'its block belongs to no node';
  const taken = takenAt(secondary.timestamp);
  if (taken === null) return 'its block does not say since when it is taken';
  if (now - Date.parse(taken) < minimumSeconds * 1000)
    return `it was taken less than ${counted(Math.round(minimumSeconds / 60), 'minute')} ago`;
  const sequence = spec.sequenceNumberForAllocation?.[ordinal];
  return { ordinal, handle, attribute, sequence: sequence === undefined ? null : String(sequence) };
}

/** The node to which a block belongs; null if it belongs to none. */
export function nodeOfBlock({ spec }: CalicoBlockObject): string | null {
  return spec.affinity?.startsWith('host:') ? spec.affinity.slice('host:'.length) : null;
}

/** The block without the allocation: its attribute goes with the last address that has it, and all later ones move up. */
export function withoutEntry(block: CalicoBlockObject, { ordinal }: BlockEntry): CalicoBlockObject {
  const { spec } = block;
  const index = spec.allocations[ordinal];
  const allocations = spec.allocations.with(ordinal, null);
  const isLast = !allocations.includes(index ?? null);
  const { sequenceNumber: sequence, sequenceNumberForAllocation: sequences } = spec;
  const kept = Object.entries(sequences ?? {}).filter(([key]) => key !== String(ordinal));
  return {
    ...block,
    spec: {
      ...spec,
      allocations:
        isLast && index != null
          ? allocations.map((each) => (each !== null && each > index ? each - 1 : each))
          : allocations,
      attributes: isLast ? spec.attributes.filter((_, each) => each !== index) : spec.attributes,
      unallocated: [...spec.unallocated, ordinal],
      ...(sequence == null ? {} : { sequenceNumber: BigInt(sequence) + 1n }),
      ...(sequences == null ? {} : { sequenceNumberForAllocation: Object.fromEntries(kept) }),
    },
  };
}

/**
 * The handle, once its block has lost an address of it.
 * @param block - null if Calico has deleted it, as it deletes empty ones
 * @param name - of the block
 * @returns 'empty' if it has no address left anywhere; null if it counts no more than the block has
 */
export function handleAfter(
  handle: CalicoHandleObject | null,
  block: CalicoBlockObject | null,
  name: string,
): CalicoHandleObject | 'empty' | null {
  const counts = handle?.spec.block ?? {};
  // Names of blocks are their CIDRs with dashes (CIDRToName in libcalico-go).
  const cidr =
    block?.spec.cidr ?? Object.keys(counts).find((each) => each.replaceAll(/[.:/]/g, '-') === name);
  const before = cidr === undefined ? undefined : counts[cidr];
  // Calico itself is deleting it.
  if (handle === null || handle.spec.deleted === true || cidr === undefined || before === undefined)
    return null;
  const has =
    block?.spec.allocations.filter((_, ordinal) => handleAt(block, ordinal) === handle.spec.handleID)
      .length ?? 0;
  if (before <= has) return null;
  const { [cidr]: _, ...others } = counts;
  const left = has === 0 ? others : { ...counts, [cidr]: has };
  return Object.keys(left).length === 0 ? 'empty' : { ...handle, spec: { ...handle.spec, block: left } };
}

/** Why an address must not be freed by what the API says of pods; null if no pod has it. */
export function whyHeld(holders: readonly AddressHolder[], leaked: LeakedAllocation): string | null {
  const key = addressKey(leaked.address);
  const owner = holders.find(({ addresses }) => addresses.some((address) => addressKey(address) === key));
  if (owner !== undefined) return `the pod ${namespacedName(owner)} has the address`;
  const pod = holders.find(
    ({ namespace, name }) => namespace === leaked.pod.namespace && name === leaked.pod.name,
  );
  if (pod === undefined || pod.hostNetwork) return null;
  if (pod.containerId === null)
    return `its pod ${namespacedName(pod)} is there, and does not say which container has its network`;
  return pod.containerId === leaked.container
    ? `its pod ${namespacedName(pod)} is there, with this container`
    : null;
}

/** It frees an address a quarter of an hour after its pod is gone, and looks every five minutes. */
const CONTROLLER_MILLISECONDS = 20 * 60_000;

/**
 * Why Calico's own controller may be freeing it just now; null if it does not run, or had its time.
 * @param seenAt - when an audit saw the address leaked
 */
export function whyLeftToController(
  holders: readonly AddressHolder[],
  seenAt: number,
  now: number,
): string | null {
  const ready = holders.flatMap(({ isController, readySince }) =>
    isController && readySince !== null ? [Date.parse(readySince)] : [],
  );
  const until = Math.max(seenAt, ...ready) + CONTROLLER_MILLISECONDS;
  return ready.length === 0 || now >= until
    ? null
    : `calico-kube-controllers runs, and frees it by itself: try again after ${new Date(until).toISOString()}, by the same report`;
}
