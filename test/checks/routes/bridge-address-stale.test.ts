import { describe, expect, it } from 'vitest';
import { bridgeAddressStale } from '../../../lib/checks/routes/bridge-address-stale.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aCniResult, aHostStack, aLink, anAddress, aPodNetwork, context, failures } from '../evidence.ts';
import { anAwsPod } from '../layouts.ts';
import { aNode } from './node.ts';

const node = aNode();

function config(plugin: string, subnets: string[]): Sources['cniConfig'] {
  const file = { name: '10-lab.conflist', error: null, network: 'lab', plugins: [plugin], ipam: [], subnets };
  return {
    directory: '/etc/cni/net.d',
    files: [{ ...file, mtu: null, bridge: plugin === 'bridge' ? 'cni0' : null }],
    binaryDirectory: '/opt/cni/bin',
    binaries: [],
    unusable: [],
  };
}

function run(
  hostNetwork: NetworkStack,
  cniConfig = config('bridge', ['10.244.1.0/24']),
  podNetworks: PodNetwork[] = [aPodNetwork()],
) {
  return bridgeAddressStale.run({ podNetworks, hostNetwork, cniConfig, node }, context);
}

const moved = aHostStack({ addresses: [anAddress({ link: 'cni0', address: '10.244.7.1' })] });

describe('bridge-address-stale', () => {
  it('passes a bridge that holds the gateway of its pods, in the configured subnet', () => {
    expect(run(aHostStack())).toEqual([
      { result: 'pass', object: { kind: 'link', name: 'cni0', node: 'node-1' } },
    ]);
  });

  it('finds that the gateway of running pods is gone from the bridge, and gives it back', () => {
    const [found] = failures(run(aHostStack({ addresses: [] })));
    expect(found?.severity ?? bridgeAddressStale.severity).toBe('critical');
    expect(found?.detail).toBe('10.244.1.1, the gateway of one pod, is not on cni0; its addresses: none.');
    expect(found?.remedy.map((step) => step.command)).toEqual(['ip addr add 10.244.1.1/24 dev cni0']);
  });

  it.each([
    ['on another link', [anAddress({ link: 'docker0', address: '10.244.1.1' })]],
    ['for the link alone', [anAddress({ link: 'cni0', address: '10.244.1.1', scope: 'link' })]],
  ])('does not count an address %s', (_, addresses) => {
    expect(failures(run(aHostStack({ addresses })))[0]?.detail).toContain('its addresses: none.');
  });

  it('asks for one address in the subnets of its family, and none of a family without a subnet', () => {
    const addresses = [
      anAddress({ link: 'cni0', address: '10.244.1.1' }),
      anAddress({ link: 'cni0', address: '10.99.0.1' }),
      anAddress({ link: 'cni0', address: 'fd99::1', family: 6 }),
    ];
    const subnets = ['10.244.0.0/24', '10.244.1.0/24'];
    expect(run(aHostStack({ addresses }), config('bridge', subnets))).toMatchObject([{ result: 'pass' }]);
  });

  it('takes the gateway for a router outside where the bridge has a port to the outside', () => {
    const host = aHostStack({ addresses: [] });
    const port = aLink({
      index: 5,
      name: 'eth1',
      kind: null,
      parentDevice: 'virtio1',
      master: 'cni0',
      peer: null,
    });
    expect(run({ ...host, links: [...host.links, port] })[0]?.result).toBe('notApplicable');
  });

  it('finds an empty bridge that stayed in an old subnet: new pods will fail', () => {
    const [found] = failures(run(moved, undefined, []));
    expect(found?.detail).toContain('outside 10.244.1.0/24 (/etc/cni/net.d/10-lab.conflist)');
    expect(found?.remedy.map((step) => step.command)).toEqual([
      'kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data --timeout=10m',
      'ports=$(ip -o link show master cni0) && test -z "$ports" && ip link del cni0',
      undefined,
    ]);
    expect(found?.remedy.at(-1)?.text).toContain('kubectl uncordon node-1');
  });

  it("compares flannel's bridge with the node's podCIDR", () => {
    const pod = aPodNetwork({
      plugin: 'flannel',
      results: [
        aCniResult({
          addresses: [{ address: '10.244.7.2', prefixLength: 24, gateway: '10.244.7.1', interface: 2 }],
        }),
      ],
    });
    const [found] = failures(run(moved, config('flannel', []), [pod]));
    expect(found?.detail).toContain('API: node.spec.podCIDRs');
  });

  it('passes an empty bridge without address, and one that is configured by nobody', () => {
    expect(run(aHostStack({ addresses: [] }), undefined, [])).toMatchObject([{ result: 'pass' }]);
    expect(run(moved, config('aws-cni', []), [anAwsPod().network])).toEqual([]);
  });

  it('does not ask the bridge for a gateway that is a router outside of the node', () => {
    const pod = aPodNetwork({ results: [aCniResult({ interfaces: [] })] });
    expect(failures(run(aHostStack({ addresses: [] }), config('bridge', []), [pod]))).toEqual([]);
  });

  it('is not applicable to a bridge that is down', () => {
    const links = [aLink({ index: 3, name: 'cni0', kind: 'bridge', up: false, peer: null })];
    expect(run(aHostStack({ links, addresses: [] }))).toMatchObject([{ result: 'notApplicable' }]);
  });
});
