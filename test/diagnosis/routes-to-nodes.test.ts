import { expect, it } from 'vitest';
import type { NodeRoutes } from '../../lib/model/node-routes.ts';
import { aNodeOf, podOf } from '../checks/node-routes.ts';
import { conclude, resultOf } from './nodes.ts';

const result = (number: number, nodeRoutes: NodeRoutes) =>
  resultOf(`node-${number}`, {
    nodeRoutes,
    podAddresses: [podOf(number)],
    pods: [`shop/web-${number}`],
  });
const found = (...results: ReturnType<typeof result>[]) =>
  conclude(results)
    .findings.filter(({ check }) => check === 'route-to-node-missing')
    .map(({ object }) => object.name);

it('finds the node whose route to another is gone by what the two nodes say of themselves', () => {
  expect(found(result(1, aNodeOf(1, [])), result(2, aNodeOf(2, [1])))).toEqual(['node-1']);
  // Whatever name a node gives itself, it reports its own routes.
  const other = { ...aNodeOf(1, []), node: 'node-2' };
  expect(found(result(1, other), result(2, aNodeOf(2, [1])))).toEqual(['node-1']);
});
