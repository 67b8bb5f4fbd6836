import { describe, expect, it } from 'vitest';
import { routeToNodeMissing } from '../../../lib/checks/path/route-to-node-missing.ts';
import type { RouteCount, RoutesToNodes } from '../../../lib/model/routes-to-nodes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';

const count = (changes: Partial<RouteCount> = {}): RouteCount => ({
  direct: 0,
  tunnel: 0,
  other: 0,
  missing: 0,
  ...changes,
});

const aCut = (changes: Partial<RoutesToNodes['cut'][number]> = {}): RoutesToNodes['cut'][number] => ({
  node: 'node-2',
  range: '10.244.2.0/24',
  near: true,
  state: 'missing',
  address: '10.0.3.8',
  found: 'default via 10.0.3.1 dev eth0',
  ...changes,
});

/** A node that sends to all others directly. */
const aNode = (node: string, changes: Partial<RoutesToNodes> = {}): RoutesToNodes => ({
  node,
  plugin: 'bridge',
  always: 'none',
  near: count({ direct: 1 }),
  far: count(),
  cut: [],
  ...changes,
});
const cutOff = (node: string, changes: Partial<RoutesToNodes> = {}) =>
  aNode(node, { near: count({ missing: 1 }), cut: [aCut()], ...changes });

const run = (nodes: readonly RoutesToNodes[], audited = ['node-1', 'node-2', 'node-3', 'node-4']) =>
  routeToNodeMissing.run(clusterSources({ routesToNodes: nodes, auditedNodes: audited }), context);

describe('route-to-node-missing', () => {
  it('passes nodes whose routes lead to each other', () => {
    expect(run([aNode('node-1'), aNode('node-2')]).map(({ result }) => result)).toEqual(['pass', 'pass']);
  });

  it('names the node without a route, the range, and what takes the packets; and puts the route back', () => {
    const found = failures(run([cutOff('node-1'), aNode('node-2')]));
    expect(found).toHaveLength(1);
    expect(found[0]?.object).toEqual({ kind: 'node', name: 'node-1' });
    expect(found[0]?.detail).toContain(
      'no route leads to pods of node-2 (10.244.2.0/24), so "default via 10.0.3.1 dev eth0" takes what is for them',
    );
    expect(found[0]?.remedy.map(({ command }) => command)).toContain(
      'ip route replace 10.244.2.0/24 via 10.0.3.8',
    );
  });

  it('finds a route that leads to a gateway which is not that node, where the others send to it directly', () => {
    const misled = cutOff('node-1', {
      near: count({ direct: 2, other: 1 }),
      cut: [aCut({ state: 'other', found: '10.244.2.0/24 via 10.0.3.1 dev eth0' })],
    });
    expect(failures(run([misled]))[0]?.detail).toContain(
      'go elsewhere: "10.244.2.0/24 via 10.0.3.1 dev eth0"',
    );
  });

  it('is silent where the network carries the packets: no node has such routes, or a single one says so', () => {
    const cloud = ['node-1', 'node-2', 'node-3'].map((node) => cutOff(node));
    expect(run(cloud).map(({ result }) => result)).toEqual(Array(3).fill('notApplicable'));
    const liar = aNode('node-4', { near: count({ direct: 100 }) });
    expect(failures(run([...cloud, liar]))).toEqual([]);
  });

  it('is silent where all routes lead to a router', () => {
    const routed = ['node-1', 'node-2'].map((node) =>
      aNode(node, { near: count({ other: 1 }), cut: [aCut({ state: 'other' })] }),
    );
    expect(failures(run(routed))).toEqual([]);
  });

  it('judges nodes of other racks apart: routers between them carry the ranges', () => {
    const racks = ['node-1', 'node-2'].map((node) =>
      aNode(node, { far: count({ missing: 1 }), cut: [aCut({ near: false })] }),
    );
    expect(failures(run(racks))).toEqual([]);
  });

  it('judges nodes of another plugin apart', () => {
    const others = [cutOff('node-1', { plugin: 'cilium-cni' }), aNode('node-2'), aNode('node-3')];
    expect(failures(run(others))).toEqual([]);
  });

  it('takes flannel at its word that each node has a route, and restarts it', () => {
    const both = ['node-1', 'node-2'].map((node) =>
      cutOff(node, { plugin: 'flannel', always: 'all', cut: [aCut({ near: false })] }),
    );
    const found = failures(run(both));
    expect(found).toHaveLength(2);
    const commands = found[0]?.remedy.map(({ command = '' }) => command) ?? [];
    expect(commands.some((command) => command.includes('app=flannel'))).toBe(true);
    expect(commands.some((command) => command.includes('route replace'))).toBe(false);
  });

  it('does not know whether a node is gone that was not audited', () => {
    expect(run([cutOff('node-1'), aNode('node-3')], ['node-1', 'node-3'])).toMatchObject([
      { result: 'unknown', reason: expect.stringContaining('node-2') },
      { result: 'pass' },
    ]);
  });
});
