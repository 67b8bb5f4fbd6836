import { describe, expect, it } from 'vitest';
import { routesToNodes } from '../../lib/computed/routes-to-nodes.ts';
import type { Sources } from '../../lib/model/evidence.ts';
import type { NetworkStack, Route } from '../../lib/model/network.ts';
import { aHostStack, aLink, aNode, aPod, aPodNetwork, aRoute, NOW } from '../checks/evidence.ts';

type Other = Sources['otherNodes'][number];
const anOther = (changes: Partial<Other> = {}): Other => ({
  name: 'node-2',
  createdAt: '2026-11-01T02:00:00Z',
  ready: true,
  annotations: {},
  addresses: ['10.0.3.8'],
  podCIDRs: ['10.244.2.0/24'],
  ...changes,
});
const present = <Value>(value: Value) => ({ status: 'present', value }) as const;

function ways({
  routes = [],
  others = [anOther()],
  node = {},
  network = {},
  host = {},
}: {
  routes?: Route[];
  others?: Other[];
  node?: Partial<Sources['node']>;
  network?: Parameters<typeof aPodNetwork>[0];
  host?: Partial<NetworkStack>;
} = {}) {
  const stack = aHostStack(host);
  const evidence = {
    nodeName: 'node-1',
    takenAt: NOW,
    node: present(aNode(node)),
    otherNodes: present(others),
    hostNetwork: present({ ...stack, routes: [...stack.routes, ...routes] }),
    podNetworks: present([aPodNetwork(network)]),
  };
  return routesToNodes(evidence);
}

const toOther = (changes: Partial<Route> = {}) =>
  aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8', ...changes });

describe('the routes of a node to the pods of others', () => {
  it('is direct by an address of the other node', () => {
    expect(ways({ routes: [toOther()] })).toMatchObject({ near: { direct: 1, missing: 0 }, cut: [] });
  });

  it('is missing where nothing but the default route is left, and says what that is', () => {
    expect(ways()).toMatchObject({
      near: { direct: 0, missing: 1 },
      cut: [{ node: 'node-2', range: '10.244.2.0/24', near: true, found: 'default via 10.0.3.1 dev eth0' }],
    });
  });

  it('leads elsewhere by a gateway that is not that node', () => {
    expect(ways({ routes: [toOther({ gateway: '10.0.3.9' })] })?.cut).toMatchObject([
      { state: 'other', found: '10.244.2.0/24 via 10.0.3.9 dev eth0' },
    ]);
  });

  it('is a tunnel by its device, and by that of Cilium', () => {
    const device = aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null });
    const { links } = aHostStack();
    for (const link of [device, { ...device, name: 'cilium_host', kind: 'veth' }])
      expect(
        ways({
          host: { links: [...links, link] },
          routes: [toOther({ gateway: '10.244.2.0', link: link.name })],
        }),
      ).toMatchObject({ near: { tunnel: 1, missing: 0 } });
  });

  it('says nothing of a larger network that a router carries, nor of one that is dropped', () => {
    for (const route of [
      aRoute({ destination: '10.244.0.0/16', gateway: '10.0.3.1' }),
      toOther({ type: 'blackhole', gateway: null, link: null }),
    ])
      expect(ways({ routes: [route] })).toMatchObject({ near: { direct: 0, other: 0, missing: 0 }, cut: [] });
  });

  it('tells nodes of another subnet apart', () => {
    expect(ways({ others: [anOther({ addresses: ['10.9.0.8'] })] })).toMatchObject({
      near: { missing: 0 },
      far: { missing: 1 },
    });
  });

  it.each<[string, Partial<Other>]>([
    ['joined a moment ago', { createdAt: '2026-11-20T01:58:00Z' }],
    ['is not ready', { ready: false }],
    ['has no range', { podCIDRs: [] }],
  ])('wants no route to a node that %s', (_, changes) => {
    expect(ways({ others: [anOther(changes)] })).toMatchObject({ near: { missing: 0 }, cut: [] });
  });

  it('says nothing of ranges where the own pods have addresses from elsewhere, as with AWS', () => {
    expect(ways({ network: { pod: aPod({ podIPs: ['10.0.3.77'] }) } })).toMatchObject({
      near: { missing: 0 },
    });
  });

  it("asks with Calico for the other node's tunnel, whatever range the API gives to it", () => {
    const calico = (annotations: Record<string, string>) => ({
      network: { plugin: 'calico' },
      others: [anOther({ annotations })],
    });
    expect(ways(calico({}))).toMatchObject({ near: { missing: 0 } });
    const tunnel = { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.77.192' };
    expect(ways(calico(tunnel))?.cut).toMatchObject([{ range: '10.244.77.192/32', state: 'missing' }]);
    const block = aRoute({ destination: '10.244.77.192/26', gateway: '10.0.3.8' });
    expect(ways({ ...calico(tunnel), routes: [block] })).toMatchObject({ near: { direct: 1, missing: 0 } });
  });

  it('tells of a large cluster no more than twenty', () => {
    const others = Array.from({ length: 100 }, (_, n) =>
      anOther({ name: `node-${n}`, podCIDRs: [`10.245.${n}.0/24`] }),
    );
    const all = ways({ others });
    expect(all?.near.missing).toBe(100);
    expect(all?.cut).toHaveLength(20);
  });

  it('has no answer on a node that joined a moment ago', () => {
    expect(ways({ node: { createdAt: '2026-11-20T01:59:00Z' } })).toBeNull();
  });
});
