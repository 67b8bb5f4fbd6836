import { describe, expect, it } from 'vitest';
import { podAddressDuplicate } from '../../../lib/checks/addresses/pod-address-duplicate.ts';
import type { PodAddress } from '../../../lib/model/node-result.ts';
import { context, failures } from '../evidence.ts';

function held(name: string, changes: Partial<PodAddress> = {}): PodAddress {
  return {
    address: '10.244.1.2',
    node: 'node-1',
    pod: { namespace: 'shop', name, uid: name },
    namespace: 1000,
    network: 'lab',
    inPodStatus: true,
    createdAt: '2026-11-19T02:00:00Z',
    ...changes,
  };
}

const run = (...podAddresses: PodAddress[]) =>
  podAddressDuplicate.run(
    { podAddresses, auditedNodes: ['node-1', 'node-2'], debugPods: [], exceptions: [] },
    context,
  );
const later = { namespace: 2000, createdAt: '2026-11-19T03:00:00Z' };

describe('pod-address-duplicate', () => {
  it('passes pods with addresses of their own', () => {
    const outcomes = run(held('a'), held('b', { ...later, address: '10.244.1.3' }));
    expect(outcomes.map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('finds two pods of one node with one address, once, as one of the later pod', () => {
    const found = failures(run(held('b', later), held('a')));
    expect(found).toMatchObject([
      { object: { kind: 'pod', name: 'b', node: 'node-1' }, confidence: 'confirmed' },
    ]);
    expect(found[0]?.detail).toBe(
      'The pod holds 10.244.1.2, and so does shop/a on the same node, which had it first.',
    );
    expect(found[0]?.remedy[1]?.command).toBe('kubectl delete pod -n shop b');
  });

  it('finds it across nodes', () => {
    const found = failures(run(held('a'), held('b', { ...later, node: 'node-2' })));
    expect(found[0]?.detail).toContain('shop/a on node node-1');
  });

  it("blames the pod that took another's address beside its own, however old it is", () => {
    const found = failures(
      run(held('old', { inPodStatus: false }), held('old', { address: '10.244.1.7' }), held('young', later)),
    );
    expect(found).toMatchObject([{ object: { name: 'old' } }]);
    expect(found[0]?.detail).toContain("as that pod's only");
  });

  it('tells of nodes that give out the same subnet once, and not of each address', () => {
    const all = [2, 3, 4, 5, 6].flatMap((host) => [
      held(`a${host}`, { address: `10.88.0.${host}`, namespace: host }),
      held(`b${host}`, { ...later, address: `10.88.0.${host}`, node: 'node-2' }),
    ]);
    const found = failures(run(...all));
    expect(found).toMatchObject([{ object: { kind: 'node', name: 'node-1', path: 'node-2' } }]);
    expect(found[0]?.detail).toContain('5 addresses');
  });

  it('leaves pods in one namespace to pods-share-network', () => {
    expect(failures(run(held('a'), held('b')))).toEqual([]);
  });

  it('does not take an address that was given on while the nodes were read for held twice', () => {
    const after = '2026-11-20T02:03:00Z';
    expect(failures(run(held('a'), held('b', { node: 'node-2', createdAt: after })))).toEqual([]);
  });

  it('leaves a virtual address alone that no pod has in the API', () => {
    const virtual = { inPodStatus: false } as const;
    expect(failures(run(held('a', virtual), held('b', { ...later, ...virtual })))).toEqual([]);
  });
});
