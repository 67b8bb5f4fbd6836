/** A block of Calico with the address of a container that is gone, and its handle. */
import type { CalicoBlockObject, CalicoHandleObject } from '../../lib/model/calico-ipam.ts';
import type { LeakedAllocation } from '../../lib/model/leaked-allocation.ts';

export const NOW = Date.parse('2026-11-30T12:00:00Z');
const TAKEN = '2026-11-30 08:00:00.123456789 +0000 UTC';
export const DEAD = 'd'.repeat(64);
export const HANDLE = `k8s-pod-network.${DEAD}`;

export const leaked: LeakedAllocation = {
  block: '10-244-1-8-30',
  address: '10.244.1.9',
  container: DEAD,
  pod: { namespace: 'shop', name: 'gone-1' },
  use: null,
};

export type Secondary = Readonly<Record<string, string | undefined>>;

const attributeOf = (container: string, pod: string, changes: object = {}, secondary: Secondary = {}) => ({
  handle_id: `k8s-pod-network.${container}`,
  secondary: { namespace: 'shop', node: 'node-1', pod, timestamp: TAKEN, ...secondary } as Record<
    string,
    string
  >,
  ...changes,
});

/**
 * Four addresses: two of pods, and between them the leaked one.
 * @param attribute - of the leaked one
 */
export function aBlock(
  spec: Readonly<Record<string, unknown>> = {},
  attribute: object = {},
  secondary: Secondary = {},
): CalicoBlockObject {
  const attributes = [
    attributeOf('a'.repeat(64), 'web-1'),
    attributeOf(DEAD, 'gone-1', attribute, secondary),
    attributeOf('c'.repeat(64), 'web-3'),
  ];
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPAMBlock',
    metadata: { name: leaked.block, uid: 'uid-block', resourceVersion: '1' },
    spec: {
      cidr: '10.244.1.8/30',
      affinity: 'host:node-1',
      allocations: [0, 1, 2, null],
      unallocated: [3],
      attributes,
      sequenceNumber: 1_764_500_000_000_000_007n,
      sequenceNumberForAllocation: {
        0: 1_764_500_000_000_000_001n,
        1: 1_764_500_000_000_000_002n,
        2: 1_764_500_000_000_000_003n,
      },
      deleted: false,
      strictAffinity: false,
      ...spec,
    },
  };
}

export function aHandle(
  block: Readonly<Record<string, number | undefined>> = {},
  spec: object = {},
): CalicoHandleObject {
  const counts = Object.entries({ '10.244.1.8/30': 1, ...block }).filter(([, count]) => count !== undefined);
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPAMHandle',
    metadata: { name: HANDLE, uid: 'uid-handle', resourceVersion: '1' },
    spec: {
      handleID: HANDLE,
      block: Object.fromEntries(counts) as Record<string, number>,
      deleted: false,
      ...spec,
    },
  };
}
