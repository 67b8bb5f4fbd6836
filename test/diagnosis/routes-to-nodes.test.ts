import { expect, it } from 'vitest';
import type { RoutesToNodes } from '../../lib/model/routes-to-nodes.ts';
import { conclude, resultOf } from './nodes.ts';

const none = { direct: 0, tunnel: 0, other: 0, missing: 0 };
const routes = (node: string, changes: Partial<RoutesToNodes> = {}): RoutesToNodes => ({
  node,
  plugin: 'bridge',
  always: 'none',
  near: { ...none, direct: 1 },
  far: none,
  cut: [],
  ...changes,
});
const found = (...nodes: (readonly [string, RoutesToNodes])[]) =>
  conclude(nodes.map(([node, routesToNodes]) => resultOf(node, { routesToNodes })))
    .findings.filter(({ check }) => check === 'route-to-node-missing')
    .map(({ object }) => object.name);

it('finds the node whose route to another is gone by what the two nodes say of themselves', () => {
  const cut = [
    { node: 'b', range: '10.244.2.0/24', near: true, state: 'missing', address: null, found: null } as const,
  ];
  const lost = routes('a', { near: { ...none, missing: 1 }, cut });
  expect(found(['a', lost], ['b', routes('b')])).toEqual(['a']);
  // Whatever name it gives itself, it speaks of its own routes.
  expect(found(['a', { ...lost, node: 'b' }], ['b', routes('b')])).toEqual(['a']);
});
