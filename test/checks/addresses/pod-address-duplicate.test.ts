import { describe, expect, it } from 'vitest';
import { podAddressDuplicate } from '../../../lib/checks/addresses/pod-address-duplicate.ts';
import type { PodAddress } from '../../../lib/model/node-result.ts';
import { clusterSources } from '../cluster-sources.ts';
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
    podCreatedAt: changes.createdAt ?? '2026-11-19T02:00:00Z',
    ...changes,
  };
}

const run = (...podAddresses: PodAddress[]) =>
  podAddressDuplicate.run(clusterSources({ podAddresses, auditedNodes: ['node-1', 'node-2'] }), context);
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

  it('finds it across nodes, as one of the address that names both pods, and suggests to delete neither', () => {
    const found = failures(run(held('a'), held('b', { ...later, node: 'node-2' })));
    expect(found).toMatchObject([
      { object: { kind: 'address', name: '10.244.1.2' }, confidence: 'probable' },
    ]);
    expect(found[0]?.detail).toContain('held by shop/a on node-1 and shop/b on node-2. The API shows it');
    expect(found[0]?.detail).toContain('all of them');
    expect(found[0]?.remedy.map(({ purpose }) => purpose)).toEqual(['look', 'look', 'look']);
  });

  it("says of which pod the API shows the address, where it is one's only", () => {
    const found = failures(run(held('a', { inPodStatus: false }), held('b', { ...later, node: 'node-2' })));
    expect(found).toMatchObject([{ object: { kind: 'address' } }]);
    expect(found[0]?.detail).toContain('as the address of shop/b only.');
  });

  it.each([
    ['dates its sandbox to 1970', { createdAt: '1970-01-01T00:00:00Z' }],
    ['has an older pod', { createdAt: '1970-01-01T00:00:00Z', podCreatedAt: '2025-01-01T00:00:00Z' }],
    ['shows it in no status', { inPodStatus: false }],
    ['shows it in a namespace with the same inode', { namespace: 1000 }],
  ])('makes no finding about the pod of a node where another %s', (_, claim) => {
    const outcomes = run(held('web'), held('evil', { ...later, ...claim, node: 'hostile' }));
    expect(outcomes).toContainEqual({
      result: 'pass',
      object: { kind: 'pod', namespace: 'shop', name: 'web', node: 'node-1' },
    });
    const text = JSON.stringify(failures(outcomes));
    expect(text).toContain('shop/evil on hostile');
    expect(text).not.toMatch(/kubectl delete|drain/);
  });

  it('lets no claim of another node decide between two pods of a node, or that a virtual address is held twice', () => {
    const virtual = [held('a', { inPodStatus: false }), held('b', { ...later, inPodStatus: false })];
    const claim = held('evil', { node: 'hostile', namespace: 9 });
    const about = (found: ReturnType<typeof failures>) =>
      found.filter(({ object }) => object.node === 'node-1');
    expect(about(failures(run(...virtual, claim)))).toEqual([]);
    const own = [held('a'), held('b', later)];
    expect(about(failures(run(claim, ...own)))).toEqual(failures(run(...own)));
  });

  it('goes by the age of the pods in the API on one node, and not by that of their sandboxes', () => {
    const old = held('old', { ...later, podCreatedAt: '2026-11-01T02:00:00Z' });
    const young = held('young', { podCreatedAt: '2026-11-18T02:00:00Z' });
    expect(failures(run(young, old))).toMatchObject([{ object: { name: 'young' } }]);
  });

  it('does not judge a pod with more addresses than pods have, and says so', () => {
    const many = Array.from({ length: 20_000 }, (_, n) =>
      held('evil', { node: 'hostile', address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}` }),
    );
    const outcomes = run(held('web', { address: '10.0.0.7' }), ...many);
    expect(outcomes.map(({ result }) => result)).toEqual(['pass', 'unknown']);
    expect(outcomes[1]).toMatchObject({ reason: expect.stringContaining('more than 64 addresses') });
  });

  it('finds what two nodes share also where a third claims it too', () => {
    const all = [2, 3, 4, 5, 6].flatMap((host) =>
      ['a', 'b', 'c'].map((node, n) =>
        held(`${node}${host}`, { node, namespace: host, address: `10.88.0.${host}`, ...(n > 0 && later) }),
      ),
    );
    expect(failures(run(...all)).map(({ object }) => object.name)).toEqual(['a and b', 'a and c', 'b and c']);
  });

  it('compares a thousand nodes with one subnet in linear time', () => {
    const all = Array.from({ length: 1000 }, (_, node) =>
      Array.from({ length: 60 }, (__, host) =>
        held(`p${host}-${node}`, { node: `node-${node}`, address: `10.88.0.${host}`, namespace: host }),
      ),
    ).flat();
    const begun = performance.now();
    const found = failures(run(...all));
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(found).toHaveLength(999);
    expect(found[0]?.detail).toContain('60 addresses are held on both');
  }, 30_000);

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
    expect(found).toMatchObject([{ object: { kind: 'cluster', name: 'node-1 and node-2' } }]);
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
