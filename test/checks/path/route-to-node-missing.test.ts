import { describe, expect, it } from 'vitest';
import { routeToNodeMissing } from '../../../lib/checks/path/route-to-node-missing.ts';
import type { PodAddress } from '../../../lib/model/node-result.ts';
import type { NodeRoutes } from '../../../lib/model/node-routes.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';
import { aNodeOf, podOf, toNode } from '../node-routes.ts';

const run = (
  nodeRoutes: readonly NodeRoutes[],
  podAddresses: readonly PodAddress[] = [1, 2, 3].map((n) => podOf(n)),
) =>
  routeToNodeMissing.run(
    clusterSources({ podAddresses, nodeRoutes, auditedNodes: nodeRoutes.map(({ node }) => node) }),
    context,
  );
const resultsOf = (nodes: readonly NodeRoutes[]) => run(nodes).map(({ result }) => result);

describe('route-to-node-missing', () => {
  it('passes nodes whose routes lead to each other', () => {
    expect(resultsOf([aNodeOf(1, [2]), aNodeOf(2, [1])])).toEqual(['pass', 'pass']);
  });

  it('names the node without a route, and what takes the packets; and puts the route back', () => {
    const found = failures(run([aNodeOf(1, []), aNodeOf(2, [1])]));
    expect(found).toHaveLength(1);
    expect(found[0]?.object).toEqual({ kind: 'node', name: 'node-1' });
    expect(found[0]?.detail).toContain(
      'no route leads to pods of node-2, such as 10.244.2.7, so "default via 10.0.3.254 dev eth0" takes what is for them',
    );
    expect(found[0]?.remedy.map(({ command }) => command)).toContain(
      'ip route replace 10.244.2.0/24 via 10.0.3.2',
    );
  });

  it('finds a route that drops in place of the one to that node, and leaves those inside it to another check', () => {
    const dropping = (destination: string) =>
      toNode(2, { destination, gateway: null, text: `blackhole ${destination}` });
    const found = failures(run([aNodeOf(1, [], { routes: [dropping('10.244.2.0/24')] }), aNodeOf(2, [1])]));
    expect(found.map(({ object }) => object.name)).toEqual(['node-1']);
    expect(found[0]?.detail).toContain('so "blackhole 10.244.2.0/24" takes what is for them');
    expect(found[0]?.remedy.map(({ command }) => command)).toContain(
      'ip route replace 10.244.2.0/24 via 10.0.3.2',
    );
    const inside = aNodeOf(1, [], { routes: [toNode(2), dropping('10.244.2.0/27')] });
    expect(failures(run([inside, aNodeOf(2, [1])]))).toEqual([]);
  });

  it('judges the ways to a node without pods by the range that it is configured with, where there is one', () => {
    const found = failures(run([aNodeOf(1, []), aNodeOf(2, [1])], [podOf(1)]));
    expect(found[0]?.detail).toContain('no route leads to pods of node-2, such as 10.244.2.1,');
    expect(failures(run([aNodeOf(1, []), aNodeOf(2, [1], { ranges: [] })], [podOf(1)]))).toEqual([]);
  });

  it('finds a route that leads to a gateway which is not that node', () => {
    const misled = aNodeOf(1, [], { routes: [toNode(2, { gateway: '10.0.3.254' }), toNode(3)] });
    const found = failures(run([misled, aNodeOf(2, [1, 3]), aNodeOf(3, [1, 2])]));
    expect(found.map(({ object }) => object.name)).toEqual(['node-1']);
    expect(found[0]?.detail).toContain('go elsewhere: "10.244.2.0/24 via 10.0.3.254 dev eth0"');
  });

  it('finds a route into a tunnel by a gateway that is not that node, and puts it right', () => {
    const inTunnel = (number: number, gateway = `10.244.${number}.0`) =>
      toNode(number, { gateway, tunnel: true, link: 'flannel.1' });
    const node = (number: number, routes: NodeRoutes['routes']) =>
      aNodeOf(number, [], { routes, tunnelAddresses: [`10.244.${number}.0`] });
    const misled = node(1, [inTunnel(2, '10.244.9.0')]);
    const found = failures(run([misled, node(2, [inTunnel(1)])]));
    expect(found.map(({ object }) => object.name)).toEqual(['node-1']);
    expect(found[0]?.remedy.map(({ command }) => command)).toContain(
      'ip route replace 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink',
    );
    expect(failures(run([node(1, [inTunnel(2)]), node(2, [inTunnel(1)])]))).toEqual([]);
  });

  it('leaves alone routes into a tunnel by the own address, as of Cilium, by that of the other node, or by none', () => {
    const by = (gateway: string | null) =>
      [1, 2].map((number) =>
        aNodeOf(number, [], {
          routes: [toNode(3 - number, { gateway, tunnel: true, link: 'cilium_host' })],
          tunnelAddresses: [`10.244.${number}.99`],
        }),
      );
    const [one, two] = by(null) as [NodeRoutes, NodeRoutes];
    expect(failures(run([one, two]))).toEqual([]);
    const own = by('10.244.1.99')[0] as NodeRoutes;
    const other = by('10.0.3.2')[0] as NodeRoutes;
    expect(failures(run([own, two]))).toEqual([]);
    expect(failures(run([other, two]))).toEqual([]);
  });

  it('is silent where the network carries the packets: no node has such routes, or a single one says so', () => {
    const cloud = [aNodeOf(1, []), aNodeOf(2, []), aNodeOf(3, [])];
    expect(resultsOf(cloud)).toEqual(Array(3).fill('notApplicable'));
    expect(failures(run([...cloud, aNodeOf(4, [1, 2, 3])]))).toEqual([]);
  });

  it('is silent where all routes lead to a router, each for itself or for all at once', () => {
    const by = (destination: string) =>
      [1, 2].map((number) =>
        aNodeOf(number, [], {
          routes: [
            toNode(3 - number, { gateway: '10.0.3.254' }),
            toNode(0, { destination, gateway: '10.0.3.254' }),
          ],
        }),
      );
    expect(failures(run(by('10.250.0.0/16')))).toEqual([]);
    const whole = [1, 2].map((number) =>
      aNodeOf(number, [], { routes: [toNode(0, { destination: '10.244.0.0/16', gateway: '10.0.3.254' })] }),
    );
    expect(failures(run(whole))).toEqual([]);
  });

  it('lets no node make others miss a route to an address that nobody knows', () => {
    const nodes = [aNodeOf(1, [2, 3]), aNodeOf(2, [1, 3]), aNodeOf(3, [1, 2])];
    const addresses = [podOf(1), podOf(2), podOf(3, { address: '203.0.113.9' })];
    expect(failures(run(nodes, addresses))).toEqual([]);
    expect(
      failures(run([...nodes, aNodeOf(4, [])], [podOf(1), podOf(4, { inPodStatus: false })])),
    ).toHaveLength(1);
  });

  it('judges nodes of other racks apart: routers between them carry what is for pods', () => {
    const far = { addresses: ['10.9.0.3'], subnets: ['10.9.0.0/24'] };
    expect(failures(run([aNodeOf(1, [2]), aNodeOf(2, [1]), aNodeOf(3, [], far)]))).toEqual([]);
  });

  it('judges nodes of another plugin apart', () => {
    expect(failures(run([aNodeOf(1, [], { plugin: 'cilium-cni' }), aNodeOf(2, [1])]))).toEqual([]);
  });

  it('takes tunnels for right, and flannel at its word that each node has a route: it is restarted', () => {
    const tunnel = toNode(1, { gateway: '10.244.1.0', tunnel: true });
    const flannel = { plugin: 'flannel', always: 'all' } as const;
    const nodes = [aNodeOf(1, [], flannel), aNodeOf(2, [], { ...flannel, routes: [tunnel] })];
    const [found, ...more] = failures(run(nodes, [podOf(1), podOf(2)]));
    expect([found?.object.name, more]).toEqual(['node-1', []]);
    const commands = found?.remedy.map(({ command = '' }) => command) ?? [];
    expect(commands.some((command) => command.includes('app=flannel'))).toBe(true);
    expect(commands.some((command) => command.includes('route replace'))).toBe(false);
    expect(failures(run([aNodeOf(1, [], flannel), aNodeOf(2, [], flannel)]))).toHaveLength(2);
  });

  it('says of Cilium with a tunnel that its programs deliver for pods, and only the node loses its way', () => {
    const cilium = { plugin: 'cilium-cni' } as const;
    const tunnel = toNode(1, { gateway: '10.244.2.200', tunnel: true, link: 'cilium_host' });
    const nodes = [aNodeOf(1, [], cilium), aNodeOf(2, [], { ...cilium, routes: [tunnel] })];
    const [found] = failures(run(nodes, [podOf(1), podOf(2)]));
    expect(found).toMatchObject({ object: { name: 'node-1' }, severity: 'high' });
    expect(found?.detail).toContain('Cilium delivers what pods send');
    const [native] = failures(run([aNodeOf(1, [], cilium), aNodeOf(2, [1], cilium)], [podOf(1), podOf(2)]));
    expect(native?.detail).toContain('look dead');
  });

  it("puts back flannel's route into its tunnel, by the device that the other node names", () => {
    const flannel = { always: 'all', plugin: 'flannel' } as const;
    const back = toNode(1, { gateway: '10.244.1.0', tunnel: true, link: 'flannel.1' });
    const other = aNodeOf(2, [], { ...flannel, routes: [back], tunnelAddresses: ['10.244.2.0'] });
    const [found] = failures(run([aNodeOf(1, [], { ...flannel, tunnelAddresses: ['10.244.1.0'] }), other]));
    expect(found?.remedy.map(({ command }) => command)).toContain(
      'ip route replace 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink',
    );
  });

  it('misses nothing on a node with more routes than were kept', () => {
    const many = Array.from({ length: 301 }, (_, n) =>
      toNode(0, { destination: `10.99.${n % 250}.${n}/32` }),
    );
    expect(failures(run([aNodeOf(1, [], { routes: many }), aNodeOf(2, [1])]))).toEqual([]);
  });
});
