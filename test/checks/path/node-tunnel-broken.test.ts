import { describe, expect, it } from 'vitest';
import { nodeTunnelBroken } from '../../../lib/checks/path/node-tunnel-broken.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Link, NetworkStack, Route } from '../../../lib/model/network.ts';
import { aHostStack, aLink, aNode, anAddress, aRoute, context, failures } from '../evidence.ts';

const vxlan = (VtepMAC: string) => ({
  'flannel.alpha.coreos.com/backend-type': 'vxlan',
  'flannel.alpha.coreos.com/backend-data': JSON.stringify({ VNI: 1, VtepMAC }),
});
const OWN = '02:00:00:00:01:01';
const OTHER = '02:00:00:00:01:02';

const other: Sources['otherNodes'][number] = {
  name: 'node-2',
  createdAt: '2026-11-01T02:00:00Z',
  ready: true,
  annotations: vxlan(OTHER),
  addresses: ['10.0.3.8'],
  podCIDRs: ['10.244.2.0/24'],
};

function aTunnel(changes: Partial<Link> = {}): Link {
  return aLink({ index: 9, name: 'flannel.1', kind: 'vxlan', mac: OWN, peer: null, ...changes });
}

function run({
  tunnel = [aTunnel()],
  annotations = vxlan(OWN),
  others = [other],
  host = {},
}: {
  tunnel?: Link[];
  annotations?: Record<string, string>;
  others?: Sources['otherNodes'];
  host?: Partial<NetworkStack>;
} = {}) {
  const stack = aHostStack();
  return nodeTunnelBroken.run(
    {
      node: aNode({ annotations }),
      otherNodes: others,
      hostNetwork: {
        ...stack,
        links: [...stack.links, ...tunnel],
        routes: [
          ...stack.routes,
          aRoute({
            destination: '10.244.2.0/24',
            gateway: '10.244.2.0',
            link: 'flannel.1',
            flags: ['onlink'],
          }),
        ],
        neighbours: [{ destination: '10.244.2.0', link: 'flannel.1', mac: OTHER, states: ['PERMANENT'] }],
        ...host,
      },
    },
    context,
  );
}

describe('node-tunnel-broken', () => {
  it('passes a tunnel that is as it was announced', () => {
    expect(run()).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it('finds a device whose MAC address is not the one that the other nodes send to', () => {
    const [found] = failures(run({ tunnel: [aTunnel({ mac: '02:fa:ce:00:00:01' })] }));
    expect(found?.detail).toBe(
      `flannel.1 is broken: it has the MAC address 02:fa:ce:00:00:01, but other nodes send to ${OWN}.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toContain(`ip link set flannel.1 address ${OWN}`);
  });

  it('finds a device that sends from an address which the node does not have', () => {
    expect(run({ tunnel: [aTunnel({ vxlanLocal: '10.0.3.7' })] })).toMatchObject([{ result: 'pass' }]);
    const [found] = failures(run({ tunnel: [aTunnel({ vxlanLocal: '10.0.3.77' })] }));
    expect(found?.detail).toContain('it sends from 10.0.3.77, an address that the node does not have');
    expect(found?.remedy.map(({ command }) => command)).toContain(
      'ip link set flannel.1 type vxlan local 10.0.3.7',
    );
  });

  it('finds a device that is down or gone', () => {
    expect(failures(run({ tunnel: [aTunnel({ up: false })] }))[0]?.detail).toContain('the device is down');
    expect(failures(run({ tunnel: [] }))[0]?.detail).toContain('the device is gone');
  });

  it('finds an entry for another node that is missing or wrong, by the name of that node', () => {
    expect(failures(run({ host: { neighbours: [] } }))[0]?.detail).toContain(
      'it has no entry for node node-2 (10.244.2.0)',
    );
    const stale = {
      destination: '10.244.2.0',
      link: 'flannel.1',
      mac: '02:00:00:00:09:09',
      states: ['PERMANENT'],
    };
    const [found] = failures(run({ host: { neighbours: [stale] } }));
    expect(found?.detail).toContain(`is 02:00:00:00:09:09, and not ${OTHER}`);
    expect(found?.remedy.map(({ command }) => command)).toContain(
      `ip neigh replace 10.244.2.0 lladdr ${OTHER} nud permanent dev flannel.1`,
    );
  });

  it("finds that Calico's device lost the address that the other nodes send by", () => {
    const annotations = { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.1' };
    const [found] = failures(run({ annotations, others: [], tunnel: [aTunnel({ name: 'vxlan.calico' })] }));
    expect(found?.detail).toContain('it does not hold 10.244.7.1');
  });

  it("finds Cilium's device down", () => {
    const [found] = failures(
      run({ annotations: {}, tunnel: [aTunnel({ name: 'cilium_vxlan', up: false })] }),
    );
    expect(found?.detail).toContain('cilium_vxlan is broken: the device is down');
  });

  describe("of Cilium's device that was deleted", () => {
    const gateway = '10.244.1.31';
    const route = (destination: string, changes: Partial<Route> = {}) =>
      aRoute({ destination, gateway, link: 'cilium_host', mtu: 1450, ...changes });
    const ofCilium = (routes: Route[], tunnel: Link[] = []) =>
      run({
        annotations: {},
        tunnel: [...tunnel, aLink({ index: 8, name: 'cilium_host' })],
        host: {
          addresses: [
            ...aHostStack().addresses,
            anAddress({ link: 'cilium_host', address: gateway, prefixLength: 32 }),
          ],
          routes: [...aHostStack().routes, route('10.244.1.0/24', { mtu: null }), ...routes],
        },
      });

    it('finds it by the routes to other nodes, which stay', () => {
      const [found] = failures(ofCilium([route('10.244.2.0/24')]));
      expect(found?.detail).toBe('cilium_vxlan is broken: the device is gone.');
      expect(found?.remedy.map(({ command }) => command)).toContainEqual(
        expect.stringContaining('-l k8s-app=cilium'),
      );
    });

    it('passes with a device of the other protocol', () => {
      expect(
        ofCilium([route('10.244.2.0/24')], [aTunnel({ name: 'cilium_geneve', kind: 'geneve' })]),
      ).toMatchObject([{ result: 'pass' }]);
    });

    it.each([
      ['routes between nodes', [aRoute({ destination: '10.244.2.0/24', gateway: '10.0.3.8', link: 'eth0' })]],
      ['a route for Services', [route('10.96.0.0/12')]],
      [
        'a route by an address that cilium_host does not have',
        [route('10.244.2.0/24', { gateway: '10.244.7.7' })],
      ],
      ['a route for another range of its own, which has no MTU', [route('10.244.3.0/24', { mtu: null })]],
      ['routes for another table', [route('10.244.2.0/24', { table: '200' })]],
      ['no route to others', []],
    ])('wants none of a node with %s', (_, routes) => {
      expect(ofCilium(routes)).toMatchObject([{ result: 'notApplicable' }]);
    });
  });

  it.each<[string, Sources['otherNodes'][number]]>([
    ['joined a moment ago', { ...other, createdAt: '2026-11-20T01:58:00Z' }],
    ['is not ready', { ...other, ready: false }],
    ['no route leads to by the device', { ...other, podCIDRs: ['10.244.3.0/24'] }],
  ])('wants no entry for a node that %s', (_, each) => {
    expect(run({ others: [each], host: { neighbours: [] } })).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge a node without a tunnel, whatever its annotations say', () => {
    const hostile = { ...vxlan(OWN), 'flannel.alpha.coreos.com/backend-data': '{"VNI":"x"' };
    for (const annotations of [{}, hostile, { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.7.1' }])
      expect(run({ annotations, tunnel: [] })).toMatchObject([{ result: 'notApplicable' }]);
  });
});
