import { describe, expect, it } from 'vitest';
import { podAddressWrongSubnet } from '../../../lib/checks/addresses/pod-address-wrong-subnet.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { aCniConfig, aCniConfigFile } from '../cni/evidence.ts';
import {
  aCniResult,
  aHostStack,
  aNode,
  anAddress,
  aPod,
  aPodNetwork,
  aStack,
  context,
  failures,
} from '../evidence.ts';

const config = (changes: Parameters<typeof aCniConfigFile>[0] = {}) =>
  aCniConfig({ files: [aCniConfigFile(changes)] });
const run = (network: PodNetwork, changes: Partial<Parameters<typeof podAddressWrongSubnet.run>[0]> = {}) =>
  podAddressWrongSubnet.run(
    { podNetworks: [network], cniConfig: config(), hostNetwork: aHostStack(), node: aNode(), ...changes },
    context,
  );

/** A pod with an address of the node's earlier subnet. */
const old = (changes: Partial<PodNetwork> = {}) =>
  aPodNetwork({
    pod: aPod({ podIPs: ['10.244.7.2'] }),
    stack: aStack({ addresses: [anAddress({ address: '10.244.7.2' })] }),
    ...changes,
  });

describe('pod-address-wrong-subnet', () => {
  it('passes an address in the subnet', () => {
    expect(run(aPodNetwork())[0]?.result).toBe('pass');
  });

  it('finds an address whose prefix length is no longer what the plugin set up', () => {
    const resized = aPodNetwork({ stack: aStack({ addresses: [anAddress({ prefixLength: 8 })] }) });
    const [found] = failures(run(resized));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toContain('/8, and the CNI plugin gave');
    expect(found?.evidence[0]).toMatchObject({ expected: '/24 (CNI result cache)', actual: '/8' });
  });

  it('finds an address of an earlier subnet', () => {
    const [found] = failures(run(old()));
    expect(found?.severity ?? podAddressWrongSubnet.severity).toBe('critical');
    expect(found?.detail).toBe(
      'The pod has 10.244.7.2, outside 10.244.1.0/24 (/etc/cni/net.d/10-lab.conflist).',
    );
  });

  it('goes by the podCIDR for flannel', () => {
    const flannel = { plugin: 'flannel', results: [aCniResult({ plugins: ['flannel'] })] };
    const cniConfig = config({ plugins: ['flannel'], ipam: [], subnets: [] });
    expect(failures(run(old(flannel), { cniConfig }))[0]?.detail).toContain('node.spec.podCIDRs');
    expect(run(old(flannel), { cniConfig, node: aNode({ podCIDRs: [] }) })[0]?.result).toBe('notApplicable');
  });

  it('passes an address in the second of its subnets, and leaves a family without a subnet alone', () => {
    expect(
      run(old(), { cniConfig: config({ subnets: ['10.244.1.0/24', '10.244.7.0/24'] }) })[0]?.result,
    ).toBe('pass');
    const dual = aPodNetwork({
      pod: aPod({ podIPs: ['10.244.1.2', 'fd00::2'] }),
      stack: aStack({
        addresses: [anAddress(), anAddress({ family: 6, address: 'fd00::2', prefixLength: 64 })],
      }),
    });
    expect(run(dual)[0]?.result).toBe('pass');
  });

  it('compares the prefix length with the result of the main interface, and only where there is one', () => {
    const [given] = aCniResult().addresses;
    const other = aCniResult({ interface: 'net1', addresses: given ? [{ ...given, prefixLength: 16 }] : [] });
    expect(run(aPodNetwork({ results: [other, aCniResult()] }))[0]?.result).toBe('pass');
    expect(run(aPodNetwork({ results: [aCniResult({ addresses: [] })] }))[0]?.result).toBe('pass');
  });

  it('goes by the addresses of the bridge that are global and of the same family', () => {
    const bridge = [
      anAddress({ link: 'cni0', address: '10.244.7.1', scope: 'link' }),
      anAddress({ link: 'cni0', address: 'fd99::1', family: 6 }),
      anAddress({ link: 'cni0', address: '10.244.1.1' }),
    ];
    expect(failures(run(old(), { hostNetwork: aHostStack({ addresses: bridge }) }))).toHaveLength(1);
  });

  it('leaves it to bridge-address-stale where the bridge itself is in the old subnet', () => {
    const hostNetwork = aHostStack({ addresses: [anAddress({ link: 'cni0', address: '10.244.7.1' })] });
    expect(run(old(), { hostNetwork })[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('bridge-address-stale'),
    });
  });

  it.each<[string, PodNetwork, NonNullable<Parameters<typeof config>[0]>]>([
    ['plugins that take addresses of the VPC', old({ plugin: 'aws-cni' }), { ipam: [], subnets: [] }],
    ['a network that the configuration does not name', old(), { network: 'another' }],
    ['another plugin for addresses', old(), { ipam: ['dhcp'] }],
    ['a configuration that cannot be read', old(), { error: 'it is not JSON' }],
    ['a configuration without subnets of its own', old(), { subnets: [] }],
    ['a pod that lost its address', old({ stack: aStack({ addresses: [] }) }), {}],
    ['a family without a subnet', old(), { subnets: ['fd00::/64'] }],
  ])('does not judge %s', (_, network, changes) => {
    expect(run(network, { cniConfig: config(changes) })[0]?.result).toBe('notApplicable');
  });
});
