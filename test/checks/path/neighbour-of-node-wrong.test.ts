import { describe, expect, it } from 'vitest';
import { neighbourOfNodeWrong } from '../../../lib/checks/path/neighbour-of-node-wrong.ts';
import type { NodeRoutes } from '../../../lib/model/node-routes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';
import { aNodeOf } from '../node-routes.ts';

type Entry = NonNullable<NodeRoutes['neighbours']>[number];

const macOf = (number: number) => `02:00:00:00:03:0${number}`;
const WRONG = '02:de:ad:00:00:02';

/** What node 1 has for node 2. */
const entry = (changes: Partial<Entry> = {}): Entry => ({
  address: '10.0.3.2',
  mac: macOf(2),
  link: 'eth0',
  shared: false,
  ...changes,
});

/** Three nodes in one network, of which the first has that entry. */
const nodesWith = (...neighbours: Entry[]): NodeRoutes[] =>
  [1, 2, 3].map((number) =>
    aNodeOf(number, [], { macs: [macOf(number)], neighbours: number === 1 ? neighbours : [] }),
  );

const run = (nodeRoutes: readonly NodeRoutes[]) =>
  neighbourOfNodeWrong.run(clusterSources({ nodeRoutes }), context);

describe('neighbour-of-node-wrong', () => {
  it('passes a permanent entry with a MAC address that the other node has', () => {
    const results = run(nodesWith(entry())).map(({ result }) => result);
    expect(results).toEqual(['pass', 'notApplicable', 'notApplicable']);
  });

  it('names the node, the other one and both addresses, and removes the entry', () => {
    const found = failures(run(nodesWith(entry({ mac: WRONG }))));
    expect(found.map(({ object }) => object)).toEqual([{ kind: 'node', name: 'node-1' }]);
    expect(found[0]?.detail).toContain('for node node-2 (10.0.3.2)');
    expect(found[0]?.evidence[0]).toMatchObject({ expected: macOf(2), actual: `${WRONG} (PERMANENT)` });
    expect(found[0]?.remedy.at(-1)?.command).toBe('ip neigh del 10.0.3.2 dev eth0');
  });

  it('takes any link of the other node: each answers for all its addresses', () => {
    const [own, other, third] = nodesWith(entry({ mac: macOf(7) }));
    const both = [own, { ...other, macs: [macOf(2), macOf(7)] }, third] as NodeRoutes[];
    expect(failures(run(both))).toEqual([]);
  });

  it('leaves a router alone that answers for many addresses, but not another node in its place', () => {
    expect(failures(run(nodesWith(entry({ mac: WRONG, shared: true }))))).toEqual([]);
    expect(failures(run(nodesWith(entry({ mac: macOf(3), shared: true }))))).toHaveLength(1);
  });

  it('does not judge an address of no other node, of several, or of one whose links are not known', () => {
    expect(failures(run(nodesWith(entry({ address: '10.0.3.99', mac: WRONG }))))).toEqual([]);
    const [own, other, third] = nodesWith(entry({ mac: WRONG })) as [NodeRoutes, NodeRoutes, NodeRoutes];
    expect(failures(run([own, other, { ...third, addresses: ['10.0.3.3', '10.0.3.2'] }]))).toEqual([]);
    expect(failures(run([own, { ...other, macs: [] }, third]))).toEqual([]);
  });
});
