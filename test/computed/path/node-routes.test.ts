import { describe, expect, it } from 'vitest';
import { nodeRoutes } from '../../../lib/computed/path/node-routes.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aCniConfig } from '../../checks/cni/evidence.ts';
import {
  aHostStack,
  aLink,
  aNode,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  NOW,
} from '../../checks/evidence.ts';

const present = <Value>(value: Value) => ({ status: 'present', value }) as const;

const noProxy = { hostPacketFilters: present([]), processes: present([]) };

const of = (host: Partial<NetworkStack> = {}, node: Partial<Sources['node']> = {}, pods = true) =>
  nodeRoutes({
    nodeName: 'node-1',
    takenAt: NOW,
    node: present(aNode(node)),
    hostNetwork: present(aHostStack(host)),
    podNetworks: present(pods ? [aPodNetwork()] : []),
    cniConfig: present(aCniConfig()),
    ...noProxy,
  });

describe("a node's routes to others", () => {
  it('are told with its addresses and subnets, without default routes and those to its own pods', () => {
    const { routes } = aHostStack();
    const toOther = aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8' });
    const toPod = aRoute({ destination: '10.244.1.2/32', gateway: null, link: 'veth12345678' });
    expect(of({ routes: [...routes, toOther, toPod] })).toEqual({
      node: 'node-1',
      plugin: 'bridge',
      always: 'none',
      addresses: ['10.0.3.7', '10.244.1.1'],
      tunnelAddresses: [],
      vxlans: [],
      serviceProxy: null,
      macs: ['02:00:00:00:00:01', '0a:58:0a:f4:01:01'],
      neighbours: [],
      ranges: ['10.244.1.0/24'],
      subnets: ['10.0.3.0/24', '10.244.1.0/24'],
      routes: [
        {
          destination: '10.244.1.0/24',
          gateway: null,
          tunnel: false,
          text: '10.244.1.0/24 dev cni0',
        },
        {
          destination: '10.244.2.0/24',
          gateway: '10.0.3.8',
          tunnel: false,
          text: '10.244.2.0/24 via 10.0.3.8 dev eth0',
        },
      ],
      default: { 4: 'default via 10.0.3.1 dev eth0', 6: null },
    });
  });

  it('come with permanent neighbours in the networks of its links, and whether their MAC address is shared', () => {
    const entry = (destination: string, mac: string, state = 'PERMANENT', link = 'eth0') => ({
      destination,
      link,
      mac,
      states: [state],
    });
    const neighbours = [
      entry('10.0.3.8', '02:00:00:00:03:08'),
      entry('10.0.3.9', '02:00:00:00:03:FE'),
      entry('10.0.3.1', '02:00:00:00:03:fe', 'REACHABLE'),
      entry('10.9.9.9', '02:00:00:00:03:09'),
      entry('10.244.2.0', '02:00:00:00:03:0a', 'PERMANENT', 'flannel.1'),
    ];
    expect(of({ neighbours })?.neighbours).toEqual([
      { address: '10.0.3.8', mac: '02:00:00:00:03:08', link: 'eth0', shared: false },
      { address: '10.0.3.9', mac: '02:00:00:00:03:fe', link: 'eth0', shared: true },
    ]);
  });

  it('come with the addresses of its tunnels, and name the tunnel that a route leads to', () => {
    const host = aHostStack();
    const vxlan = aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null });
    const routes = of({
      links: [...host.links, vxlan],
      addresses: [
        ...host.addresses,
        anAddress({ link: 'flannel.1', address: '10.244.1.0', prefixLength: 32 }),
      ],
      routes: [aRoute({ destination: '10.244.2.0/24', gateway: '10.244.2.0', link: 'flannel.1' })],
    });
    expect(routes?.tunnelAddresses).toEqual(['10.244.1.0']);
    expect(routes?.addresses).not.toContain('10.244.1.0');
    expect(routes?.routes[0]).toMatchObject({ tunnel: true, link: 'flannel.1' });
  });

  it('come with the settings of its VXLAN devices', () => {
    const { links } = aHostStack();
    const device = aLink({
      index: 9,
      name: 'flannel.1',
      kind: 'vxlan',
      peer: null,
      vxlanId: 1,
      vxlanPort: 8472,
    });
    expect(of({ links: [...links, device] })?.vxlans).toEqual([{ device: 'flannel.1', id: 1, port: 8472 }]);
  });

  it('come with the ranges of the API only where pods have addresses of them', () => {
    const by = (podIPs: string[]) =>
      nodeRoutes({
        nodeName: 'node-1',
        takenAt: NOW,
        node: present(aNode()),
        hostNetwork: present(aHostStack()),
        podNetworks: present([aPodNetwork({ pod: aPod({ podIPs }) })]),
        cniConfig: { status: 'absent', reason: 'none' },
        ...noProxy,
      })?.ranges;
    expect(by(['10.244.1.2'])).toEqual(['10.244.1.0/24']);
    expect(by(['10.0.3.77'])).toEqual([]);
  });

  it("come with the ranges of the API where flannel's daemon takes them for its own, even without pods", () => {
    const ranges = (annotations: Record<string, string>) =>
      nodeRoutes({
        nodeName: 'node-1',
        takenAt: NOW,
        node: present(aNode({ annotations })),
        hostNetwork: present(aHostStack()),
        podNetworks: present([]),
        cniConfig: present({
          ...aCniConfig(),
          files: aCniConfig().files.map((file) => ({ ...file, subnets: [] })),
        }),
        ...noProxy,
      })?.ranges;
    expect(ranges({ 'flannel.alpha.coreos.com/backend-type': 'vxlan' })).toEqual(['10.244.1.0/24']);
    expect(ranges({})).toEqual([]);
  });

  it('lead by a tunnel to its device, and to that of Cilium', () => {
    const { links } = aHostStack();
    const device = aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', peer: null });
    for (const link of [device, { ...device, name: 'cilium_host', kind: 'veth' }])
      expect(
        of({
          links: [...links, link],
          routes: [aRoute({ destination: '10.244.2.0/24', gateway: '10.244.2.0', link: link.name })],
        })?.routes,
      ).toMatchObject([{ tunnel: true }]);
  });

  it('are told of a node without pods by the plugin that is configured', () => {
    expect(of({}, {}, false)?.plugin).toBe('bridge');
  });

  it('say by flannel for which nodes there always is one', () => {
    const by = (backend: string) =>
      of({}, { annotations: { 'flannel.alpha.coreos.com/backend-type': backend } });
    expect(['vxlan', 'host-gw', 'alloc'].map((backend) => by(backend)?.always)).toEqual([
      'all',
      'near',
      'none',
    ]);
  });

  it('are not told of a node that joined a moment ago or is not ready', () => {
    expect(of({}, { createdAt: '2026-11-20T01:59:00Z' })).toBeNull();
    expect(of({}, { ready: false })).toBeNull();
  });
});
