/** What checks say can be put back of a node: its routes and rules for pods, wrong neighbour entries, and forwarding. */
import { describe, expect, it } from 'vitest';
import { awsRuleMissing } from '../../../lib/checks/aws/aws-rule-missing.ts';
import { nodeNeighbourWrong } from '../../../lib/checks/path/node-neighbour-wrong.ts';
import { hostRouteMisdirected } from '../../../lib/checks/routes/host-route-misdirected.ts';
import { hostRouteMissing } from '../../../lib/checks/routes/host-route-missing.ts';
import { nodeForwardingDisabled } from '../../../lib/checks/routes/node-forwarding-disabled.ts';
import { podGatewayNeighbourWrong } from '../../../lib/checks/routes/pod-gateway-neighbour-wrong.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { Neighbour, NetworkStack, Route } from '../../../lib/model/network.ts';
import type { Repair } from '../../../lib/model/repair.ts';
import { aPodOfEni, ruled, toPod } from '../aws/node.ts';
import { aKernel, context, failures } from '../evidence.ts';
import { type Attached, aBridgePod, aCalicoPod, anAwsPod, aPtpPod, withStack } from '../layouts.ts';

const pin = 'cni-00000000-0000-4000-8000-000000000001';
const WRONG = '02:de:ad:00:00:01';

/** The pod in a namespace that containerd named. */
function named({ network, host }: Attached) {
  const sandbox = { ...network.sandbox, namespacePath: `/var/run/netns/${pin}` };
  const { hostLink } = network;
  const link = hostLink === null ? null : { name: hostLink.name, index: hostLink.index };
  return {
    network: { ...network, sandbox },
    host,
    namespace: { pin, inode: network.namespace },
    link,
    address: network.pod.podIPs[0] ?? '',
  };
}
const objectsOf = (repair: Repair | null) => (repair?.kind === 'restore' ? repair.objects : undefined);
const isTo = (address: string) => (route: Route) => route.destination === `${address}/32`;

describe('the route of a node to its pod', () => {
  const missing = (network: PodNetwork, host: NetworkStack) =>
    failures(hostRouteMissing.run({ podNetworks: [network], hostNetwork: host }, context)).map(({ repair }) =>
      objectsOf(repair),
    );
  const misdirected = (network: PodNetwork, host: NetworkStack) =>
    failures(hostRouteMisdirected.run({ podNetworks: [network], hostNetwork: host }, context)).map(
      ({ repair }) => repair,
    );

  it.each<[string, Attached, 'host' | 'link']>([
    ['ptp', aPtpPod(), 'host'],
    ['the VPC CNI', anAwsPod(), 'link'],
    ['Calico', aCalicoPod(), 'link'],
  ])('is put back as %s makes it', (_, attached, scope) => {
    const { network, host, namespace, link, address } = named(attached);
    const routes = host.routes.filter((route) => !isTo(address)(route));
    expect(missing(network, { ...host, routes })).toEqual([
      [{ what: 'host-route', namespace, link, address, scope, instead: null }],
    ]);
  });

  it("is that of the pods' subnet behind a bridge", () => {
    const { network, host, namespace } = named(aBridgePod());
    const routes = host.routes.filter(({ destination }) => destination === '0.0.0.0/0');
    expect(missing(network, { ...host, routes })).toEqual([
      [{ what: 'node-route', namespace, bridge: 'cni0', subnet: '10.244.1.0/24', gateway: '10.244.1.1' }],
    ]);
  });

  it('takes the place of one to another link, which could be made again', () => {
    const { network, host, namespace, link, address } = named(anAwsPod());
    const led = (changes: Partial<Route>) => ({
      ...host,
      routes: host.routes.map((route) =>
        isTo(address)(route) ? { ...route, link: 'eniother', ...changes } : route,
      ),
    });
    expect(misdirected(network, led({})).map(objectsOf)).toEqual([
      [{ what: 'host-route', namespace, link, address, scope: 'link', instead: 'eniother' }],
    ]);
    for (const changes of [{ gateway: '10.0.3.1' }, { metric: 100 }, { type: 'blackhole', link: null }])
      expect(misdirected(network, led(changes)).map(objectsOf)).toEqual([undefined]);
  });
});

describe('the rules of the VPC CNI', () => {
  const lacking = (...attached: Attached[]) =>
    failures(
      awsRuleMissing.run(
        {
          podNetworks: attached.map(({ network }) => network),
          hostNetwork: attached[0]?.host ?? anAwsPod().host,
        },
        context,
      ),
    ).map(({ repair }) => objectsOf(repair));

  it('are put back, each to the table that the CNI result names', () => {
    const { network, host, rules } = aPodOfEni();
    const { namespace, link, address, ...pod } = named({ network, host });
    const none = {
      ...pod,
      host: ruled(
        host,
        rules.filter(({ priority }) => priority > 1536 || priority === 1024),
      ),
    };
    expect(lacking(none)).toEqual([
      [
        { what: 'aws-rule', namespace, link, address, table: null },
        { what: 'aws-rule', namespace, link, address, table: 2 },
      ],
    ]);
    expect(lacking({ ...pod, host: ruled(host, [toPod()]) })).toEqual([
      [{ what: 'aws-rule', namespace, link, address, table: 2 }],
    ]);
  });

  it('that something flushed are put back for the node, twenty at a time', () => {
    const { network, host } = aPodOfEni();
    const pods = Array.from({ length: 15 }, () => named({ network, host: ruled(host, []) }));
    const [objects, ...more] = lacking(...pods);
    expect(objects).toHaveLength(20);
    expect(more).toEqual([]);
  });
});

describe('a wrong neighbour entry', () => {
  const entry = (changes: Partial<Neighbour>): Neighbour => ({
    destination: '10.244.1.2',
    link: 'cni0',
    mac: WRONG,
    states: ['PERMANENT'],
    ...changes,
  });
  const ofNode = (network: PodNetwork, host: NetworkStack) =>
    failures(nodeNeighbourWrong.run({ podNetworks: [network], hostNetwork: host }, context)).map(
      ({ repair }) => objectsOf(repair),
    );
  const ofPod = ({ network, host }: Attached, neighbours: readonly Neighbour[]) =>
    failures(
      podGatewayNeighbourWrong.run(
        { podNetworks: [withStack(network, { neighbours: [...neighbours] })], hostNetwork: host },
        context,
      ),
    ).map(({ repair }) => repair);

  it('of the node is removed, on the bridge or on the link of the pod', () => {
    const bridged = named(aBridgePod());
    const { namespace, link } = bridged;
    expect(ofNode(bridged.network, { ...bridged.host, neighbours: [entry({})] })).toEqual([
      [{ what: 'node-neighbour', namespace, link, on: 'cni0', address: '10.244.1.2', mac: WRONG }],
    ]);
    const routed = named(anAwsPod());
    const neighbours = [entry({ destination: routed.address, link: routed.link?.name ?? '' })];
    expect(ofNode(routed.network, { ...routed.host, neighbours })[0]).toMatchObject([
      { what: 'node-neighbour', link: routed.link, on: routed.link?.name, address: routed.address },
    ]);
  });

  it('of the gateway is removed in the pod, where the kernel asks for it', () => {
    const bridged = named(aBridgePod());
    const wrong = entry({ destination: '10.244.1.1', link: 'eth0' });
    const { namespace, link } = bridged;
    const gateway = '10.244.1.1';
    expect(ofPod(bridged, [wrong]).map(objectsOf)).toEqual([
      [{ what: 'gateway-neighbour', namespace, link, inPod: 'eth0', gateway, mac: WRONG, written: false }],
    ]);
    // It cannot be learned again by a command: the pod is recreated.
    expect(ofPod(bridged, [{ ...wrong, states: ['REACHABLE'] }])).toMatchObject([{ kind: 'recreate-pod' }]);
  });

  it('of the gateway is written again where the VPC CNI wrote it, or it is gone', () => {
    const { namespace, link, ...routed } = named(anAwsPod());
    const gateway = '169.254.1.1';
    for (const [neighbours, mac] of [
      [[entry({ destination: gateway, link: 'eth0' })], WRONG],
      [[], null],
    ] as const)
      expect(ofPod(routed, neighbours).map(objectsOf)).toEqual([
        [{ what: 'gateway-neighbour', namespace, link, inPod: 'eth0', gateway, mac, written: true }],
      ]);
  });

  it('of the gateway stays in a pod that may write its own', () => {
    const bridged = named(aBridgePod());
    const containers = bridged.network.pod.containers.map((each) => ({ ...each, netAdmin: true }));
    const network = { ...bridged.network, pod: { ...bridged.network.pod, containers } };
    expect(
      ofPod({ ...bridged, network }, [entry({ destination: '10.244.1.1', link: 'eth0' })]),
    ).toMatchObject([{ kind: 'recreate-pod' }]);
  });
});

describe('forwarding', () => {
  const off = (attached: Attached, ...names: string[]) =>
    failures(
      nodeForwardingDisabled.run(
        {
          podNetworks: [attached.network],
          hostNetwork: attached.host,
          hostPacketFilters: [],
          kernel: aKernel({
            sysctls: { ...aKernel().sysctls, ...Object.fromEntries(names.map((name) => [name, '0'])) },
          }),
        },
        context,
      ),
    ).map(({ repair }) => objectsOf(repair));

  it('of the node is switched on, for a pod that needs it', () => {
    const pod = named(aBridgePod());
    expect(off(pod, 'net.ipv4.ip_forward')).toEqual([
      [{ what: 'forwarding', namespace: pod.namespace, family: 4 }],
    ]);
  });

  it("of one link is switched on, and Calico's answer for the gateway", () => {
    const { namespace, link, ...pod } = named(aCalicoPod());
    const name = link?.name ?? '';
    const host = {
      ...pod.host,
      links: [
        ...pod.host.links.filter((each) => each.name !== name),
        { ...(pod.network.hostLink ?? never()) },
      ],
    };
    const of = `net.ipv4.conf.${name}`;
    expect(off({ ...pod, host }, `${of}.forwarding`, `${of}.proxy_arp`)).toEqual([
      [
        { what: 'link-setting', namespace, link, setting: 'forwarding' },
        { what: 'link-setting', namespace, link, setting: 'proxy_arp' },
      ],
    ]);
  });
});

function never(): never {
  throw new Error('the pod has no link on the node');
}
