import { describe, expect, it } from 'vitest';
import type { AddressHolder } from '../../lib/model/calico-ipam.ts';
import { exactJson, parseExact } from '../../lib/model/exact-json.ts';
import {
  ALREADY_FREE,
  handleAfter,
  holdsAddress,
  leakedEntry,
  whyHeld,
  whyLeftToController,
  withoutEntry,
} from '../../lib/repair/calico-ipam.ts';
import { aBlock, aHandle, DEAD, HANDLE, leaked, NOW, type Secondary } from './calico.ts';

const asked = { node: 'node-1', now: NOW, minimumSeconds: 900 };
const entryIn = (block: ReturnType<typeof aBlock>) => {
  const entry = leakedEntry(block, leaked, asked);
  if (typeof entry === 'string') throw new Error(entry);
  return entry;
};

describe('a leaked address of a block', () => {
  it('is freed as Calico frees it: its place, its attribute and its number go, and the block counts on', () => {
    const block = aBlock();
    expect(withoutEntry(block, entryIn(block)).spec).toEqual({
      ...block.spec,
      allocations: [0, null, 1, null],
      unallocated: [3, 1],
      attributes: [block.spec.attributes[0], block.spec.attributes[2]],
      sequenceNumber: 1_764_500_000_000_000_008n,
      sequenceNumberForAllocation: { 0: 1_764_500_000_000_000_001n, 2: 1_764_500_000_000_000_003n },
    });
  });

  it('keeps its attribute where another address has it too', () => {
    const block = aBlock({ allocations: [0, 1, 2, 1], unallocated: [] });
    const { spec } = withoutEntry(block, entryIn(block));
    expect(spec).toMatchObject({ allocations: [0, null, 2, 1], unallocated: [1] });
    expect(spec.attributes).toEqual(block.spec.attributes);
  });

  it('leaves a block without numbers without them, as before Calico 3.24', () => {
    const block = aBlock({ sequenceNumber: undefined, sequenceNumberForAllocation: undefined });
    const { spec } = withoutEntry(block, entryIn(block));
    expect([spec.sequenceNumber, spec.sequenceNumberForAllocation]).toEqual([undefined, undefined]);
  });

  it('leaves all numbers as they were written, also those that JavaScript would round', () => {
    const text = '{"a":1764500000000000007,"b":[-9007199254740993,1,0.5],"c":{"d":"1764500000000000007"}}';
    expect(JSON.stringify(exactJson(parseExact(text)))).toBe(text);
  });

  it('is recorded with what its block has of it', () => {
    expect(entryIn(aBlock())).toEqual({
      ordinal: 1,
      handle: HANDLE,
      attribute: aBlock().spec.attributes[1],
      sequence: '1764500000000000002',
    });
  });

  it.each<[string, Parameters<typeof aBlock>[0]]>([
    ['its block is being deleted', { deleted: true }],
    ['its block does not have the address', { cidr: '10.244.9.0/30' }],
    [ALREADY_FREE, { allocations: [0, null, 2, null] }],
    ['its block contradicts itself', { unallocated: [1, 3] }],
    ['its block contradicts itself', { allocations: [0, 7, 2, null] }],
    ['its block belongs to no node', { affinity: null }],
    ['its block belongs to no node', { affinity: 'virtual:load-balancer' }],
  ])('is not freed where %s', (why, spec) => {
    expect(leakedEntry(aBlock(spec), leaked, asked)).toBe(why);
  });

  it('is not freed where its block is gone', () => {
    expect(leakedEntry(null, leaked, asked)).toBe('its block is gone');
  });

  it.each<[string, object, Secondary]>([
    ['it belongs to another container by now', { handle_id: `k8s-pod-network.${'e'.repeat(64)}` }, {}],
    ['it belongs to another container by now', { handle_id: null }, {}],
    ['it is reserved for Windows', { handle_id: 'windows-reserved-ipam-handle' }, {}],
    ['it is the address of a tunnel, a gateway or a Service', {}, { type: 'vxlanTunnelAddress' }],
    ['it belongs to another pod by now', {}, { pod: 'web-2' }],
    ['it belongs to another pod by now', {}, { namespace: 'other' }],
    ['it belongs to another node by now', {}, { node: 'node-2' }],
    ['its block says more of it than this version knows', { alternate: { pod: 'vm' } }, {}],
    ['its block does not say since when it is taken', {}, { timestamp: undefined }],
    ['its block does not say since when it is taken', {}, { timestamp: 'yesterday' }],
    ['it was taken less than 15 minutes ago', {}, { timestamp: '2026-11-30 11:50:00.1 +0000 UTC' }],
  ])('is not freed where %s', (why, attribute, secondary) => {
    expect(leakedEntry(aBlock({}, attribute, secondary), leaked, asked)).toBe(why);
  });

  it('is the container’s as long as its place has its handle', () => {
    expect(holdsAddress(aBlock(), leaked)).toBe(true);
    expect(holdsAddress(aBlock({ allocations: [0, null, 2, null] }), leaked)).toBe(false);
    expect(holdsAddress(aBlock({}, { handle_id: `net.${'e'.repeat(64)}` }), leaked)).toBe(false);
    expect(holdsAddress(null, leaked)).toBe(false);
  });
});

describe('the handle of a leaked address', () => {
  const freed = aBlock({ allocations: [0, null, 2, null], unallocated: [3, 1] });
  const two = aBlock({ allocations: [0, null, 2, 1], unallocated: [1] });
  const other = '10.244.7.0/26';

  it.each<[string, ReturnType<typeof aHandle> | null, typeof freed | null, unknown]>([
    ['is deleted once it counts none', aHandle(), freed, 'empty'],
    ['keeps its other blocks', aHandle({ [other]: 2 }), freed, { [other]: 2 }],
    ['counts those that are left in the block', aHandle({ '10.244.1.8/30': 2 }), two, { '10.244.1.8/30': 1 }],
    ['stays as it is where it counts no more than there are', aHandle({ '10.244.1.8/30': 1 }), two, null],
    [
      'stays as it is where it does not know the block',
      aHandle({ '10.244.1.8/30': undefined, [other]: 1 }),
      freed,
      null,
    ],
    ['is left to Calico where that deletes it', aHandle({}, { deleted: true }), freed, null],
    ['may be gone', null, freed, null],
    ['counts none of a block that is gone', aHandle(), null, 'empty'],
    ['counts others without a block that is gone', aHandle({ [other]: 2 }), null, { [other]: 2 }],
    ['may not know a block that is gone', aHandle({ '10.244.1.8/30': undefined, [other]: 1 }), null, null],
  ])('%s', (_, handle, block, wanted) => {
    const after = handleAfter(handle, block, leaked.block);
    expect(after === null || after === 'empty' ? after : after.spec.block).toEqual(wanted);
  });
});

it('the handle of an IPv6 address no longer counts its block once that is gone', () => {
  const handle = aHandle({
    '10.244.1.8/30': undefined,
    'fd00:10:244::1:40/122': 1,
    'fd00:10:244::1:80/122': 1,
  });
  const after = handleAfter(handle, null, 'fd00-10-244--1-40-122');
  expect(after === null || after === 'empty' ? after : after.spec.block).toEqual({
    'fd00:10:244::1:80/122': 1,
  });
});

describe('the pods of the cluster', () => {
  const holder = (changes: Partial<AddressHolder> = {}): AddressHolder => ({
    namespace: 'shop',
    name: 'web-9',
    hostNetwork: false,
    addresses: ['10.244.1.77'],
    containerId: 'f'.repeat(64),
    isController: false,
    readySince: null,
    ...changes,
  });

  it.each<[string | null, Partial<AddressHolder>]>([
    [null, {}],
    ['the pod shop/web-9 has the address', { addresses: ['10.244.1.77', '10.244.1.9'] }],
    ['the pod shop/web-9 has the address', { addresses: ['10.244.1.9'], containerId: null }],
    [null, { name: 'gone-1' }],
    ['its pod shop/gone-1 is there', { name: 'gone-1', containerId: DEAD }],
    ['its pod shop/gone-1 is there, and does not say', { name: 'gone-1', containerId: null }],
    [null, { name: 'gone-1', containerId: null, hostNetwork: true }],
    [null, { namespace: 'other', name: 'gone-1', containerId: null }],
  ])('say of it: %s', (why, changes) => {
    const found = whyHeld([holder(), holder(changes)], leaked);
    if (why === null) expect(found).toBeNull();
    else expect(found).toContain(why);
  });

  it.each<[boolean, Partial<AddressHolder>, number]>([
    [false, {}, NOW],
    [false, { isController: true }, NOW],
    [true, { isController: true, readySince: '2026-11-01T00:00:00Z' }, NOW - 19 * 60_000],
    [false, { isController: true, readySince: '2026-11-01T00:00:00Z' }, NOW - 20 * 60_000],
    [true, { isController: true, readySince: '2026-11-30T11:50:00Z' }, NOW - 20 * 60_000],
  ])('leave it to the controller of Calico that may just be freeing it: %s', (isLeft, changes, seenAt) => {
    const why = whyLeftToController([holder(changes)], seenAt, NOW);
    if (isLeft) expect(why).toContain('calico-kube-controllers runs');
    else expect(why).toBeNull();
  });
});
