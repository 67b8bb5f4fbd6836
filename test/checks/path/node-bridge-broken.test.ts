import { describe, expect, it } from 'vitest';
import { whyNothingAnswers } from '../../../lib/checks/frames/why-nothing-answers.ts';
import { bridgePortFlagsWrong } from '../../../lib/checks/path/bridge-port-flags-wrong.ts';
import { nodeBridgeBroken } from '../../../lib/checks/path/node-bridge-broken.ts';
import { hostRouteMissing } from '../../../lib/checks/routes/host-route-missing.ts';
import { podGatewayNeighbourWrong } from '../../../lib/checks/routes/pod-gateway-neighbour-wrong.ts';
import { vethBridgeDetached } from '../../../lib/checks/veth/veth-bridge-detached.ts';
import { podWays } from '../../../lib/computed/path/pod-ways.ts';
import { wayIn } from '../../../lib/computed/path/way-in.ts';
import { expectedBridge } from '../../../lib/computed/routes/bridges.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Link } from '../../../lib/model/network.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  anAddress,
  aPod,
  aPodNetwork,
  context,
  failures,
} from '../evidence.ts';
import { aPtpPod } from '../layouts.ts';

const pods = (master: string | null) =>
  ['web-1', 'web-2'].map((name, index) =>
    aPodNetwork({ pod: aPod({ name }), hostLink: aHostLink({ name: `veth000${index}`, master }) }),
  );
/** The same with a gateway of each family. */
const dualPods = (master: string | null) =>
  pods(master).map((network) => ({
    ...network,
    results: [
      aCniResult({
        addresses: [
          { address: '10.244.1.2', prefixLength: 24, gateway: '10.244.1.1', interface: 2 },
          { address: 'fd00:10:244:1::2', prefixLength: 64, gateway: 'fd00:10:244:1::1', interface: 2 },
        ],
      }),
    ],
  }));
const withAddresses = (hostNetwork: ReturnType<typeof aHostStack>, link: string, ...held: string[]) => ({
  ...hostNetwork,
  addresses: held.map((address) => anAddress({ link, address })),
});
const config: Sources['cniConfig'] = {
  directory: '/etc/cni/net.d',
  files: [
    {
      name: '10-lab.conflist',
      error: null,
      network: aPodNetwork().results[0]?.network ?? '',
      plugins: ['bridge'],
      ipam: [],
      subnets: [],
      mtu: null,
      bridge: 'cni0',
      hairpin: true,
    },
  ],
  binaryDirectory: '/opt/cni/bin',
  binaries: [],
  unusable: [],
};
/** The node's links with its bridge changed; null: without it. */
const withBridge = (changes: Partial<Link> | null) =>
  aHostStack({
    links: aHostStack().links.flatMap((link) =>
      link.name !== 'cni0' ? link : changes === null ? [] : { ...link, ...changes },
    ),
  });
const run = (hostNetwork = aHostStack(), podNetworks = pods('cni0'), cniConfig = config) =>
  nodeBridgeBroken.run({ podNetworks, hostNetwork, cniConfig }, context);
const repairs = (outcomes: ReturnType<typeof run>) =>
  failures(outcomes)[0]?.remedy.flatMap(({ purpose, command }) => (purpose === 'repair' ? command : []));

describe('node-bridge-broken', () => {
  it('passes a node whose bridge is up, also one that lost a port', () => {
    expect(run()).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
    expect(run(aHostStack(), [...pods('cni0').slice(1), ...pods(null).slice(0, 1)])).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('finds a bridge that is down as one finding with all its pods, and sets it up', () => {
    const outcomes = run(withBridge({ up: false, operState: 'DOWN' }));
    expect(failures(outcomes)).toHaveLength(1);
    expect(failures(outcomes)[0]?.detail).toBe('The bridge cni0 of 2 pods (shop/web-1, shop/web-2) is down.');
    expect(repairs(outcomes)).toEqual(['ip link set cni0 up']);
  });

  it('finds a bridge that is gone, and creates it with gateway, ports and hairpin', () => {
    const outcomes = run(withBridge(null), pods(null));
    expect(failures(outcomes)[0]?.detail).toContain('is gone');
    expect(repairs(outcomes)).toEqual([
      'ip link add cni0 type bridge && ip addr replace 10.244.1.1/24 dev cni0 && ip link set cni0 up',
      'for link in veth0000 veth0001; do ip link set "$link" master cni0; done',
      'for link in veth0000 veth0001; do ip link set "$link" type bridge_slave hairpin on; done',
    ]);
  });

  it('keeps the pods of a new bridge apart where the CNI configuration does', () => {
    const files = config.files.map((file) => ({ ...file, hairpin: false, isolation: true }));
    expect(repairs(run(withBridge(null), pods(null), { ...config, files }))?.slice(2)).toEqual([
      'for link in veth0000 veth0001; do ip link set "$link" type bridge_slave isolated on; done',
    ]);
  });

  it('finds a renamed bridge, which only new pods feel, and gives its name back', () => {
    const hostNetwork = withAddresses(withBridge({ name: 'br7' }), 'br7', '10.244.1.1');
    const outcomes = run(hostNetwork, pods('br7'));
    expect(failures(outcomes)[0]).toMatchObject({ severity: 'high' });
    expect(failures(outcomes)[0]?.detail).toContain('is now called br7');
    expect(repairs(outcomes)).toEqual([
      'ip link set br7 down && ip link set br7 name cni0 && ip link set cni0 up',
    ]);
  });

  it('gives a renamed bridge its IPv6 gateway again, which the kernel removes when it goes down', () => {
    const hostNetwork = withAddresses(withBridge({ name: 'br7' }), 'br7', '10.244.1.1', 'fd00:10:244:1::1');
    expect(repairs(run(hostNetwork, dualPods('br7')))).toEqual([
      'ip link set br7 down && ip link set br7 name cni0 && ' +
        'ip addr replace fd00:10:244:1::1/64 dev cni0 && ip link set cni0 up',
    ]);
  });

  it('gives a bridge that is down the gateways that it lost, and no other', () => {
    const down = withBridge({ up: false, operState: 'DOWN' });
    const held = ['10.244.1.1', 'fd00:10:244:1::1'];
    expect(repairs(run(withAddresses(down, 'cni0', '10.244.1.1'), dualPods('cni0')))).toEqual([
      'ip addr replace fd00:10:244:1::1/64 dev cni0 && ip link set cni0 up',
    ]);
    expect(repairs(run(withAddresses(down, 'cni0', ...held), dualPods('cni0')))).toEqual([
      'ip link set cni0 up',
    ]);
  });

  it('leaves pods on the bridge of other pods to their own check', () => {
    expect(run(aHostStack(), pods('docker0'))).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable where no pod is behind a bridge', () => {
    expect(run(aHostStack(), [aPtpPod().network])).toMatchObject([
      { result: 'notApplicable', reason: 'no pod of the node is behind a bridge' },
    ]);
  });

  it('is named by checks of pods whose bridge is gone', () => {
    const podNetworks = pods(null);
    const hostNetwork = withBridge(null);
    expect(run(hostNetwork, podNetworks)).toMatchObject([{ result: 'fail' }]);
    for (const outcomes of [
      hostRouteMissing.run({ podNetworks, hostNetwork }, context),
      podGatewayNeighbourWrong.run({ podNetworks, hostNetwork }, context),
      bridgePortFlagsWrong.run({ podNetworks, cniConfig: config }, context),
      vethBridgeDetached.run({ podNetworks, hostNetwork }, context),
    ])
      expect(outcomes[0]).toMatchObject({ reason: expect.stringMatching(/see .*\bnode-bridge-broken$/) });
    const [network] = podNetworks;
    if (network === undefined) throw new Error('no pod');
    expect(wayIn(network)).toContain('node-bridge-broken');
    expect([...podWays({ podNetworks, hostNetwork, routing: [], hostPacketFilters: [] }).values()]).toEqual([
      expect.stringContaining('node-bridge-broken'),
      expect.stringContaining('node-bridge-broken'),
    ]);
    expect(whyNothingAnswers[0]?.(network, { podNetworks, hostNetwork }, context)).toContain(
      'node-bridge-broken',
    );
  });

  it("takes no link that the pod's plugin would name so for a bridge", () => {
    const interfaces = [{ name: 'cali0123456789a', mac: '0a:58:0a:f4:01:01', inPod: false }];
    const results = [aCniResult({ interfaces })];
    expect(expectedBridge(aPodNetwork({ plugin: 'calico', results }))).toBe(null);
    expect(expectedBridge(aPodNetwork({ plugin: 'bridge', results }))).toBe('cali0123456789a');
  });
});
