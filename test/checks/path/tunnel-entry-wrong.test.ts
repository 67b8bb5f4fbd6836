import { describe, expect, it } from 'vitest';
import { tunnelEntryWrong } from '../../../lib/checks/path/tunnel-entry-wrong.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { ForwardingEntry, NetworkStack } from '../../../lib/model/network.ts';
import { aHostStack, aLink, aNode, aRoute, context, failures } from '../evidence.ts';

const OTHER = '02:00:00:00:01:02';
const vxlan = (VtepMAC: string) => ({
  'flannel.alpha.coreos.com/backend-type': 'vxlan',
  'flannel.alpha.coreos.com/backend-data': JSON.stringify({ VNI: 1, VtepMAC }),
});
const other: Sources['otherNodes'][number] = {
  name: 'node-2',
  createdAt: '2026-11-01T02:00:00Z',
  ready: true,
  annotations: vxlan(OTHER),
  addresses: ['10.0.3.8'],
  podCIDRs: ['10.244.2.0/24'],
};
const anEntry = (changes: Partial<ForwardingEntry> = {}): ForwardingEntry => ({
  mac: OTHER,
  link: 'flannel.1',
  bridge: null,
  destination: '10.0.3.8',
  fixed: true,
  ...changes,
});

function run(
  forwarding: ForwardingEntry[],
  {
    others = [other],
    annotations = vxlan('02:00:00:00:01:01'),
    device = 'flannel.1',
    gateway = '10.244.2.0',
    host = {},
  }: {
    others?: Sources['otherNodes'];
    annotations?: Record<string, string>;
    device?: string;
    gateway?: string;
    host?: Partial<NetworkStack>;
  } = {},
) {
  const stack = aHostStack();
  return tunnelEntryWrong.run(
    {
      node: aNode({ annotations }),
      otherNodes: others,
      hostNetwork: {
        ...stack,
        links: [...stack.links, aLink({ index: 9, name: device, kind: 'vxlan', peer: null })],
        routes: [...stack.routes, aRoute({ destination: '10.244.2.0/24', gateway, link: device })],
        neighbours: [{ destination: gateway, link: device, mac: OTHER, states: ['PERMANENT'] }],
        ...host,
      },
      forwarding,
    },
    context,
  );
}

describe('tunnel-entry-wrong', () => {
  it('passes a tunnel with an entry for the other node', () => {
    expect(run([anEntry()])).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it('finds an entry that is gone, by the name of the node that is cut off, and says how to write it', () => {
    const [found] = failures(run([]));
    expect(found?.detail).toBe(
      `flannel.1 sends what is for node node-2 (${OTHER}) nowhere instead of to 10.0.3.8.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toContain(
      `bridge fdb replace ${OTHER} dev flannel.1 dst 10.0.3.8 self permanent`,
    );
  });

  it('finds an entry of an address that the node no longer has', () => {
    const [found] = failures(run([anEntry({ destination: '10.0.3.99' })]));
    expect(found?.detail).toContain('to 10.0.3.99 instead of to 10.0.3.8');
  });

  it("finds it on Calico's device", () => {
    const calico = {
      annotations: { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.1.1' },
      others: [{ ...other, annotations: { 'projectcalico.org/IPv4VXLANTunnelAddr': '10.244.2.1' } }],
      device: 'vxlan.calico',
      gateway: '10.244.2.1',
    };
    expect(failures(run([anEntry({ link: 'vxlan.calico' })], calico))).toEqual([]);
    expect(failures(run([anEntry()], calico))[0]?.detail).toContain('vxlan.calico sends what is for');
  });

  it('passes the address that an agent announces where the API has another', () => {
    const annotations = { ...other.annotations, 'flannel.alpha.coreos.com/public-ip': '192.0.2.8' };
    expect(
      run([anEntry({ destination: '192.0.2.8' })], { others: [{ ...other, annotations }] }),
    ).toMatchObject([{ result: 'pass' }]);
  });

  it('passes one entry for all nodes', () => {
    expect(run([anEntry({ mac: '00:00:00:00:00:00' })])).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a node without a neighbour entry to node-tunnel-broken', () => {
    expect(run([], { host: { neighbours: [] } })).toMatchObject([{ result: 'pass' }]);
  });

  it('does not judge a node that reaches no other one by a tunnel', () => {
    expect(run([], { others: [{ ...other, ready: false }] })).toMatchObject([{ result: 'notApplicable' }]);
    expect(run([], { annotations: {} })).toMatchObject([{ result: 'notApplicable' }]);
  });
});
