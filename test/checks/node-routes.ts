/** Nodes that send to each other's pods directly; a test changes the one thing it is about. */
import type { PodAddress } from '../../lib/model/node-result.ts';
import type { NodeRoutes } from '../../lib/model/node-routes.ts';

export type Route = NodeRoutes['routes'][number];

/** Node 1 has the address 10.0.3.1 and pods in 10.244.1.0/24. */
export const toNode = (number: number, changes: Partial<Route> = {}): Route => ({
  destination: `10.244.${number}.0/24`,
  gateway: `10.0.3.${number}`,
  tunnel: false,
  text: `10.244.${number}.0/24 via ${changes.gateway ?? `10.0.3.${number}`} dev eth0`,
  ...changes,
});

export const aNodeOf = (
  number: number,
  others: readonly number[],
  changes: Partial<NodeRoutes> = {},
): NodeRoutes => ({
  node: `node-${number}`,
  plugin: 'bridge',
  always: 'none',
  addresses: [`10.0.3.${number}`],
  ranges: [`10.244.${number}.0/24`],
  subnets: ['10.0.3.0/24'],
  routes: others.map((other) => toNode(other)),
  default: { 4: 'default via 10.0.3.254 dev eth0', 6: null },
  ...changes,
});

export const podOf = (number: number, changes: Partial<PodAddress> = {}): PodAddress => ({
  address: `10.244.${number}.7`,
  node: `node-${number}`,
  pod: { namespace: 'shop', name: `web-${number}`, uid: `uid-${number}` },
  namespace: 4026532400 + number,
  network: 'lab',
  inPodStatus: true,
  createdAt: '2026-11-19T02:00:00Z',
  podCreatedAt: '2026-11-19T02:00:00Z',
  ...changes,
});
