import { describe, expect, it } from 'vitest';
import { podGatewayNeighbourWrong } from '../../../lib/checks/routes/pod-gateway-neighbour-wrong.ts';
import type { Neighbour } from '../../../lib/model/network.ts';
import {
  aHostLink,
  aHostStack,
  anAddress,
  aPodNetwork,
  aRoute,
  aSandbox,
  context,
  failures,
} from '../evidence.ts';
import {
  type Attached,
  aBridgePod,
  aCalicoPod,
  aCiliumPod,
  anAwsPod,
  aPtpPod,
  healthyLayouts,
  withStack,
} from '../layouts.ts';

const WRONG = '02:de:ad:be:ef:01';

function run({ network, host }: Attached) {
  return podGatewayNeighbourWrong.run({ podNetworks: [network], hostNetwork: host }, context);
}

function withEntry({ network, host }: Attached, destination: string, changes: Partial<Neighbour>): Attached {
  const entry = { destination, link: 'eth0', mac: WRONG, states: ['PERMANENT'], ...changes };
  return { network: withStack(network, { neighbours: [entry] }), host };
}

describe('pod-gateway-neighbour-wrong', () => {
  it.each(healthyLayouts)('passes a healthy pod of %s', (_name, layout) => {
    expect(run(layout())).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['bridge', aBridgePod, '10.244.1.1', 'cni0 on the node has 0a:58:0a:f4:01:01'],
    ['ptp', aPtpPod, '10.244.1.1', 'veth12345678 on the node has 12:34:56:78:9a:bc'],
    ['AWS VPC CNI', anAwsPod, '169.254.1.1', 'eni0a1b2c3d4e5 on the node has 4e:00:00:00:00:01'],
    ['Calico', aCalicoPod, '169.254.1.1', 'ee:ee:ee:ee:ee:ee'],
    ['Cilium', aCiliumPod, '10.244.1.200', '2a:00:00:00:00:01'],
  ])('finds a permanent wrong MAC for the gateway: %s', (_name, layout, gateway, text) => {
    const [found] = failures(run(withEntry(layout(), gateway, {})));
    expect(found?.detail).toContain(`${WRONG} PERMANENT`);
    expect(found?.detail).toContain(text);
    expect(found?.confidence).toBe('confirmed');
  });

  it("finds that udev rewrote the MAC of the node's link under an AWS pod", () => {
    const { network, host } = anAwsPod();
    const [found] = failures(
      run({ network: { ...network, hostLink: aHostLink({ name: 'eni1', mac: WRONG }) }, host }),
    );
    expect(found?.detail).toContain('4e:00:00:00:00:01 PERMANENT; eni1 on the node has 02:de:ad:be:ef:01');
  });

  it('finds an AWS pod whose entry is gone or not permanent, as nobody answers for 169.254.1.1', () => {
    const { network, host } = anAwsPod();
    expect(failures(run({ network: withStack(network, { neighbours: [] }), host }))[0]?.detail).toContain(
      'no entry',
    );
    const learned = withEntry(anAwsPod(), '169.254.1.1', { mac: '4e:00:00:00:00:01', states: ['REACHABLE'] });
    expect(failures(run(learned))).toHaveLength(1);
  });

  it('does not judge a stale entry, which the kernel verifies on its next use, nor one that is being resolved', () => {
    for (const changes of [
      { states: ['STALE'] },
      { mac: null, states: ['FAILED'] },
      { mac: null, states: ['INCOMPLETE'] },
    ]) {
      expect(run(withEntry(aBridgePod(), '10.244.1.1', changes))).toMatchObject([
        { result: 'notApplicable' },
      ]);
    }
  });

  it('accepts the MAC of cilium_host as the gateway of Cilium', () => {
    expect(run(withEntry(aCiliumPod(), '10.244.1.200', { mac: '2a:00:00:00:00:ff' }))).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('does not judge a gateway that is not on the bridge: a router outside, or another finding', () => {
    const bare = aHostStack({ addresses: [] });
    expect(run({ ...withEntry(aBridgePod(), '10.244.1.1', {}), host: bare })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('bridge-address-stale') },
    ]);
  });

  it.each([
    ['the pair is down', { hostLink: aHostLink({ up: false }) }, 'veth-host-side-down'],
    ['the pair left the bridge', { hostLink: aHostLink({ master: null }) }, 'veth-bridge-detached'],
    ['gVisor keeps the entries', { sandbox: aSandbox({ runtimeHandler: 'gvisor' }) }, 'gvisor'],
    ['the plugin is not known', { plugin: null }, 'not known'],
  ])('is not applicable when %s', (_name, changes, reason) => {
    expect(run({ network: aPodNetwork(changes), host: aHostStack() })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining(reason) },
    ]);
  });

  it('does not know when the namespace could not be read', () => {
    expect(run({ network: aPodNetwork({ stack: null }), host: aHostStack() })).toMatchObject([
      { result: 'unknown' },
    ]);
  });

  it('judges the IPv6 gateway of a pod with both families', () => {
    const { network, host } = aBridgePod();
    const [result] = network.results;
    const gateway = { address: 'fd00::2', prefixLength: 64, gateway: 'fd00::1', interface: 2 };
    const dual: Attached = {
      network: {
        ...withStack(network, {
          addresses: [
            ...(network.stack?.addresses ?? []),
            anAddress({ family: 6, address: 'fd00::2', prefixLength: 64 }),
          ],
        }),
        results: result === undefined ? [] : [{ ...result, addresses: [...result.addresses, gateway] }],
      },
      host: {
        ...host,
        addresses: [
          ...host.addresses,
          anAddress({ link: 'cni0', family: 6, address: 'fd00::1', prefixLength: 64 }),
        ],
      },
    };
    expect(run(dual)).toMatchObject([{ result: 'pass' }]);
    const [found] = failures(run(withEntry(dual, 'fd00::1', {})));
    expect(found?.detail).toContain(`For its gateway fd00::1 the pod has ${WRONG} PERMANENT`);
    expect(failures(run(withEntry(dual, '10.244.1.1', {})))).toHaveLength(1);
  });

  it('judges the IPv6 gateway where the plugin writes its entry as well', () => {
    const { network, host } = anAwsPod();
    const address = { ...anAddress({ family: 6, address: '2600:1f13::7', prefixLength: 128 }) };
    const route = aRoute({ family: 6, destination: '::/0', gateway: 'fe80::1' });
    const six = withStack(
      { ...network, pod: { ...network.pod, podIPs: [address.address] } },
      { addresses: [address], routes: [route] },
    );
    const right = network.hostLink?.mac ?? '';
    expect(failures(run(withEntry({ network: six, host }, 'fe80::1', { mac: right })))).toEqual([]);
    expect(failures(run(withEntry({ network: six, host }, 'fe80::1', {})))[0]?.detail).toContain('fe80::1');
  });
});
