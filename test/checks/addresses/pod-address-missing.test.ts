import { describe, expect, it } from 'vitest';
import { podAddressMissing } from '../../../lib/checks/addresses/pod-address-missing.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import {
  aLink,
  aLoopback,
  anAddress,
  aPod,
  aPodNetwork,
  aSandbox,
  aStack,
  context,
  failures,
  POD_NAMESPACE,
} from '../evidence.ts';

const run = (...podNetworks: PodNetwork[]) => podAddressMissing.run({ podNetworks }, context);
const dual = aPod({ podIPs: ['10.244.1.2', 'fd00:1::2'] });
const v6 = anAddress({ family: 6, address: 'fd00:1::2', prefixLength: 64 });

describe('pod-address-missing', () => {
  it('passes a pod that holds its address, however IPv6 is written', () => {
    const stack = aStack({ addresses: [anAddress(), v6] });
    const written = aPod({ podIPs: ['10.244.1.2', 'fd00:1:0:0::2'] });
    expect(run(aPodNetwork())[0]?.result).toBe('pass');
    expect(run(aPodNetwork({ pod: written, stack }))[0]?.result).toBe('pass');
  });

  it('finds an address that was flushed, with its routes', () => {
    const [found] = failures(run(aPodNetwork({ stack: aStack({ addresses: [], routes: [] }) })));
    expect(found?.detail).toBe(
      'eth0 does not hold 10.244.1.2, which Kubernetes still shows, nor another address in its place.',
    );
    expect(found?.evidence[0]).toEqual({
      what: 'addresses of eth0',
      expected: '10.244.1.2',
      actual: 'none',
      source: `ip addr (netns ${POD_NAMESPACE})`,
    });
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a running pod for which the API shows no address at all, but not one that has yet to start', () => {
    const [found] = failures(run(aPodNetwork({ pod: aPod({ podIPs: [] }) })));
    expect(found?.detail).toBe(
      'The API shows no address for the running pod; its interface holds 10.244.1.2.',
    );
    expect(run(aPodNetwork({ pod: aPod({ podIPs: [], containers: [] }) }))[0]?.result).toBe('notApplicable');
  });

  it('finds one lost family of two', () => {
    const [found] = failures(run(aPodNetwork({ pod: dual })));
    expect(found?.detail).toContain('does not hold fd00:1::2,');
  });

  it('does not take a second range of the plugin for an address in its place', () => {
    const network = aPodNetwork();
    const [result] = network.results;
    const second = { address: '10.245.0.9', prefixLength: 24, gateway: null, interface: 2 };
    const results = result === undefined ? [] : [{ ...result, addresses: [...result.addresses, second] }];
    const stack = aStack({ addresses: [anAddress({ address: '10.245.0.9' })] });
    expect(failures(run({ ...network, results, stack }))).toHaveLength(1);
  });

  const down = aLink({ up: false });
  it.each<[string, Partial<PodNetwork>, RegExp]>([
    [
      'a pod without an address in the API',
      { pod: aPod({ podIPs: [], containers: [] }) },
      /no address in the API/,
    ],
    [
      'a missing interface',
      { stack: aStack({ links: [aLoopback()], addresses: [] }) },
      /pod-interface-missing/,
    ],
    [
      'IPv6 that went when the interface was set down',
      { pod: dual, link: down, stack: aStack({ links: [aLoopback(), down] }) },
      /pod-interface-down/,
    ],
    [
      'another address instead',
      { stack: aStack({ addresses: [anAddress({ address: '10.244.1.9' })] }) },
      /mismatch/,
    ],
    [
      'an address that a bridge in the pod took over',
      { stack: aStack({ addresses: [anAddress({ link: 'k6t-eth0' })] }) },
      /on k6t-eth0/,
    ],
    [
      'gVisor, which takes the address into its own stack',
      { sandbox: aSandbox({ runtimeHandler: 'runsc' }), stack: aStack({ addresses: [] }) },
      /runsc/,
    ],
  ])('does not judge %s', (_, changes, reason) => {
    expect(run(aPodNetwork(changes))[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringMatching(reason),
    });
  });

  it('leaves two pods in one namespace to pods-share-network', () => {
    const second = aPodNetwork({ pod: aPod({ name: 'web-2', uid: 'other', podIPs: ['10.244.1.3'] }) });
    expect(run(aPodNetwork(), second)[1]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('pods-share-network'),
    });
  });

  it('does not know when the namespace could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))[0]?.result).toBe('unknown');
  });
});
