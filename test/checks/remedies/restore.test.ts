/** What checks say can be put back, of pods that lost a part of their network. */
import { describe, expect, it } from 'vitest';
import { podLoopbackDown } from '../../../lib/checks/interfaces/pod-loopback-down.ts';
import { bridgePortFlagsWrong } from '../../../lib/checks/path/bridge-port-flags-wrong.ts';
import { podDefaultRouteMissing } from '../../../lib/checks/routes/pod-default-route-missing.ts';
import { podGatewayRouteMissing } from '../../../lib/checks/routes/pod-gateway-route-missing.ts';
import { vethBridgeDetached } from '../../../lib/checks/veth/veth-bridge-detached.ts';
import { vethHostSideDown } from '../../../lib/checks/veth/veth-host-side-down.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { Repair } from '../../../lib/model/repair.ts';
import {
  aHostLink,
  aHostStack,
  aLink,
  aLoopback,
  aPodNetwork,
  aRoute,
  aSandbox,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { anAwsPod, aPtpPod, withStack } from '../layouts.ts';

const pin = 'cni-00000000-0000-4000-8000-000000000001';
const named = (network: PodNetwork): PodNetwork => ({
  ...network,
  sandbox: { ...network.sandbox, namespacePath: `/var/run/netns/${pin}` },
});
const namespace = { pin, inode: aPodNetwork().namespace };
const { index, name } = aHostLink();
const link = { name, index };
const subnet = aRoute({ destination: '10.244.1.0/24', gateway: null, scope: 'link' });

const objectsOf = (repair: Repair | null) => (repair?.kind === 'restore' ? repair.objects : undefined);

/** What the finding says of each check, of a pod that lost what it looks at. */
const lost = {
  lo: (network: PodNetwork) => podLoopbackDown.run({ podNetworks: [network] }, context),
  defaultRoute: (network: PodNetwork) => podDefaultRouteMissing.run({ podNetworks: [network] }, context),
  subnetRoute: (network: PodNetwork) => podGatewayRouteMissing.run({ podNetworks: [network] }, context),
  up: (network: PodNetwork) => vethHostSideDown.run({ podNetworks: [network] }, context),
  port: (network: PodNetwork) =>
    vethBridgeDetached.run({ podNetworks: [network], hostNetwork: aHostStack() }, context),
};
const repairOf = (check: keyof typeof lost, network: PodNetwork) =>
  failures(lost[check](network)).map(({ repair }) => objectsOf(repair));

describe('what can be put back', () => {
  const loopbackDown = aPodNetwork({ stack: aStack({ links: [aLoopback({ up: false }), aLink()] }) });

  it('is the loopback, up or with its address', () => {
    expect(repairOf('lo', named(loopbackDown))).toEqual([[{ what: 'lo', namespace, lost: 'up' }]]);
    const bare = aStack({ links: [aLoopback({}), aLink()], addresses: [] });
    expect(repairOf('lo', named(aPodNetwork({ stack: bare })))).toEqual([
      [{ what: 'lo', namespace, lost: 'address' }],
    ]);
  });

  it('is nothing where the namespace has no name that containerd makes', () => {
    for (const namespacePath of ['/run/netns/cni-1', '/run/docker/netns/1234', null])
      expect(repairOf('lo', { ...loopbackDown, sandbox: aSandbox({ namespacePath }) })).toEqual([undefined]);
  });

  it('is the default route, where the CNI result names its gateway', () => {
    expect(repairOf('defaultRoute', named(aPodNetwork({ stack: aStack({ routes: [subnet] }) })))).toEqual([
      [{ what: 'default-route', namespace, link: 'eth0', gateway: '10.244.1.1' }],
    ]);
    expect(repairOf('defaultRoute', named(withStack(anAwsPod().network, { routes: [] })))).toEqual([
      undefined,
    ]);
  });

  it('is no default route where there is another, or the pod may have chosen it itself', () => {
    const other = aStack({ routes: [aRoute({ gateway: '10.244.1.99' }), subnet] });
    expect(repairOf('defaultRoute', named(aPodNetwork({ stack: other })))).toEqual([undefined]);
    const network = aPodNetwork({ stack: aStack({ routes: [subnet] }) });
    const containers = network.pod.containers.map((each) => ({ ...each, netAdmin: true }));
    expect(repairOf('defaultRoute', named({ ...network, pod: { ...network.pod, containers } }))).toEqual([
      undefined,
    ]);
  });

  it('is the route of the subnet behind a bridge', () => {
    const routes = [aRoute()];
    expect(repairOf('subnetRoute', named(aPodNetwork({ stack: aStack({ routes }) })))).toEqual([
      [
        {
          what: 'subnet-route',
          namespace,
          link: 'eth0',
          subnet: '10.244.1.0/24',
          address: '10.244.1.2',
        },
      ],
    ]);
    const { network } = aPtpPod();
    const left = (network.stack?.routes ?? []).filter(({ destination }) => destination === '0.0.0.0/0');
    expect(repairOf('subnetRoute', named(withStack(network, { routes: left })))).toEqual([undefined]);
  });

  it("is the node's end of a pair behind a bridge, where it is down", () => {
    expect(repairOf('up', named(aPodNetwork({ hostLink: aHostLink({ up: false }) })))).toEqual([
      [{ what: 'link-up', namespace, link }],
    ]);
    const { network } = aPtpPod();
    const hostLink = { ...aHostLink(), ...network.hostLink, up: false };
    expect(repairOf('up', named({ ...network, hostLink }))).toEqual([undefined]);
  });

  it('is a port that is on no bridge, and none that is on another', () => {
    const detached = aHostLink({ master: null, portState: null });
    expect(repairOf('port', named(aPodNetwork({ hostLink: detached })))).toEqual([
      [{ what: 'bridge-port', namespace, link, bridge: 'cni0' }],
    ]);
    const elsewhere = aHostLink({ master: 'docker0' });
    expect(repairOf('port', named(aPodNetwork({ hostLink: elsewhere })))).toEqual([undefined]);
  });

  it('is each flag of a port that is wrong', () => {
    const network = aPodNetwork({
      hostLink: aHostLink({ portFlags: { hairpin: true, learning: false, isolated: true } }),
    });
    const file = { name: '10-lab.conflist', error: null, network: network.results[0]?.network ?? '' };
    const cniConfig = {
      directory: '/etc/cni/net.d',
      files: [{ ...file, plugins: ['bridge'], ipam: [], subnets: [], mtu: null, bridge: 'cni0' }],
      binaryDirectory: '/opt/cni/bin',
      binaries: [],
      unusable: [],
    };
    const found = failures(
      bridgePortFlagsWrong.run({ podNetworks: [named(network)], cniConfig }, context),
    ).map(({ repair }) => objectsOf(repair));
    expect(found).toEqual([
      [
        { what: 'port-flag', namespace, link, flag: 'isolated', on: false },
        { what: 'port-flag', namespace, link, flag: 'learning', on: true },
      ],
    ]);
  });
});
