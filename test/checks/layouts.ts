/** A healthy pod and its node in each layout other than bridge: what must never be a finding. */
import { cniPlugin } from '../../lib/model/cni-plugins.ts';
import type { PodNetwork } from '../../lib/model/evidence.ts';
import type { Link, NetworkStack, Route } from '../../lib/model/network.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aLink,
  aLoopback,
  anAddress,
  aPod,
  aPodNetwork,
  aRoute,
  aStack,
} from './evidence.ts';

export type Attached = { readonly network: PodNetwork; readonly host: NetworkStack };

type Shape = {
  plugin: string;
  hostLink: string;
  mac: string;
  address: string;
  gateway: string;
  /** Gateway that the CNI result names. */
  named: string | null;
  podRoutes: Route[];
  hostLinks?: Link[];
  hostRoutes: Route[];
  neighbour?: string[];
};

function attached(shape: Shape): Attached {
  const hostLink = aHostLink({ name: shape.hostLink, mac: shape.mac, master: null, portState: null });
  const link = aLink({
    peer: { status: 'matched', namespace: 4026531840, index: hostLink.index, name: hostLink.name },
  });
  const network = aPodNetwork({
    pod: aPod({ podIPs: [shape.address] }),
    plugin: shape.plugin,
    link,
    hostLink,
    stack: aStack({
      links: [aLoopback(), link],
      addresses: [anAddress({ address: shape.address, prefixLength: 32 })],
      routes: shape.podRoutes,
      neighbours: shape.neighbour
        ? [{ destination: shape.gateway, link: 'eth0', mac: shape.mac, states: shape.neighbour }]
        : [],
    }),
    results: [
      aCniResult({
        plugins: [shape.plugin, 'portmap'],
        addresses: [{ address: shape.address, prefixLength: 32, gateway: shape.named, interface: 1 }],
        routes: shape.plugin === 'ptp' ? [{ destination: '0.0.0.0/0', gateway: null }] : [],
        interfaces: [
          { name: shape.hostLink, mac: null, inPod: false },
          { name: 'eth0', mac: null, inPod: true },
        ],
      }),
    ],
  });
  const base = aHostStack();
  const host = aHostStack({
    links: [...base.links.slice(0, 2), ...(shape.hostLinks ?? []), hostLink],
    addresses: base.addresses.slice(0, 2),
    routes: [aRoute({ gateway: '10.0.3.1' }), ...shape.hostRoutes],
  });
  return { network, host };
}

function hostRoute(address: string, link: string): Route {
  return aRoute({ destination: `${address}/32`, gateway: null, link, scope: 'link' });
}

const dummyGateway: Route[] = [
  aRoute({ gateway: '169.254.1.1' }),
  aRoute({ destination: '169.254.1.1/32', gateway: null, scope: 'link' }),
];

/** The gateway 169.254.1.1 belongs to nothing: a permanent entry names the node's link. */
export function anAwsPod(): Attached {
  return attached({
    plugin: 'aws-cni',
    hostLink: 'eni0a1b2c3d4e5',
    mac: '4e:00:00:00:00:01',
    address: '10.0.3.99',
    gateway: '169.254.1.1',
    named: null,
    podRoutes: dummyGateway,
    hostRoutes: [hostRoute('10.0.3.99', 'eni0a1b2c3d4e5')],
    neighbour: ['PERMANENT'],
  });
}

/** The node answers for 169.254.1.1 through proxy_arp; a blackhole route covers the block of addresses. */
export function aCalicoPod(): Attached {
  return attached({
    plugin: 'calico',
    hostLink: 'cali0a1b2c3d4e5',
    mac: 'ee:ee:ee:ee:ee:ee',
    address: '10.244.77.5',
    gateway: '169.254.1.1',
    named: null,
    podRoutes: dummyGateway,
    hostRoutes: [
      hostRoute('10.244.77.5', 'cali0a1b2c3d4e5'),
      aRoute({ type: 'blackhole', destination: '10.244.77.0/26', gateway: null, link: null }),
    ],
    neighbour: ['STALE'],
  });
}

/** The node has no route to the pod: BPF delivers; the gateway is the address of cilium_host. */
export function aCiliumPod(): Attached {
  return attached({
    plugin: 'cilium-cni',
    hostLink: 'lxc0a1b2c3d4e5f',
    mac: '2a:00:00:00:00:01',
    address: '10.244.1.77',
    gateway: '10.244.1.200',
    named: '10.244.1.200',
    podRoutes: [
      aRoute({ gateway: '10.244.1.200', mtu: 1450 }),
      aRoute({ destination: '10.244.1.200/32', gateway: null, scope: 'link' }),
    ],
    hostLinks: [aLink({ index: 4, name: 'cilium_host', mac: '2a:00:00:00:00:ff', peer: null })],
    hostRoutes: [aRoute({ destination: '10.244.1.200/32', gateway: null, link: 'cilium_host' })],
    neighbour: ['REACHABLE'],
  });
}

/** Every link on the node has the gateway's address, and a route to its one pod. */
export function aPtpPod(): Attached {
  return attached({
    plugin: 'ptp',
    hostLink: 'veth12345678',
    mac: '12:34:56:78:9a:bc',
    address: '10.244.1.2',
    gateway: '10.244.1.1',
    named: '10.244.1.1',
    podRoutes: [
      aRoute(),
      aRoute({ destination: '10.244.1.1/32', gateway: null, scope: 'link' }),
      aRoute({ destination: '10.244.1.0/24', gateway: '10.244.1.1' }),
    ],
    hostRoutes: [hostRoute('10.244.1.2', 'veth12345678')],
  });
}

/** The bridge layout of test/checks/evidence.ts, in the same form. */
export function aBridgePod(): Attached {
  return { network: aPodNetwork(), host: aHostStack() };
}

export const healthyLayouts: readonly [string, () => Attached][] = [
  ['bridge', aBridgePod],
  ['ptp', aPtpPod],
  ['AWS VPC CNI', anAwsPod],
  ['Calico', aCalicoPod],
  ['Cilium', aCiliumPod],
];

/** The pod with a different namespace content. */
export function withStack(network: PodNetwork, changes: Partial<NetworkStack>): PodNetwork {
  return { ...network, stack: { ...aStack(), ...network.stack, ...changes } };
}

/** Those whose packets pass the kernel's forwarding, so that routes and rules of the node matter. */
export const forwardedLayouts = healthyLayouts.filter(
  ([, layout]) => cniPlugin(layout().network.plugin)?.layout?.forwarding,
);
