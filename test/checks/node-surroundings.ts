/** What surrounds the pods of a random node: its own network, other programs, the IPAM's store. */
import type { NetworkNamespace, Sources } from '../../lib/model/evidence.ts';
import type { NetworkStack } from '../../lib/model/network.ts';
import * as healthy from './evidence.ts';
import { type Family, hash, type NodeLayout } from './node-layouts.ts';
import type { NodePlan } from './node-plan.ts';
import type { Attached } from './node-pods.ts';
import { aRule } from './ways.ts';

const { aLink, aLoopback, anAddress, aRoute } = healthy;

/** The node's own network around its pods. */
export function hostStack(
  layout: NodeLayout,
  families: readonly Family[],
  attached: readonly Attached[],
): NetworkStack {
  const base = healthy.aHostStack();
  const isCilium = layout.plugin === 'cilium-cni';
  const bridges =
    layout.bridge === undefined
      ? []
      : [aLink({ index: 3, name: layout.bridge, kind: 'bridge', mac: '0a:58:0a:f4:01:01', peer: null })];
  return healthy.aHostStack({
    rules:
      layout.plugin === 'aws-cni'
        ? attached.flatMap(({ addresses }) =>
            addresses.map(({ family, address }) =>
              aRule({ family, priority: 512, destination: `${address}/${family === 4 ? 32 : 128}` }),
            ),
          )
        : [],
    links: [
      ...base.links.slice(0, 2),
      ...bridges,
      aLink({
        index: 4,
        name: 'virbr0',
        kind: 'bridge',
        up: true,
        carrier: false,
        operState: 'DOWN',
        peer: null,
      }),
      ...(layout.extraLinks ?? []).map((extra, index) => aLink({ index: 20 + index, peer: null, ...extra })),
      ...attached.flatMap(({ hostLink }) => hostLink ?? []),
    ],
    addresses: [
      ...base.addresses.slice(0, 2),
      anAddress({ link: 'virbr0', address: '192.168.122.1' }),
      ...(isCilium && families.includes(4)
        ? [anAddress({ link: 'cilium_host', address: layout.gateway(4), prefixLength: 32 })]
        : []),
      ...bridges.flatMap(({ name }) =>
        families.map((family) =>
          anAddress({
            link: name,
            family,
            address: layout.gateway(family),
            prefixLength: family === 4 ? 24 : 64,
          }),
        ),
      ),
    ],
    routes: [
      aRoute({ gateway: '10.0.3.1' }),
      ...bridges.flatMap(({ name }) =>
        families.map((family) =>
          aRoute({
            family,
            destination: family === 4 ? '10.244.1.0/24' : 'fd00:10:244:1::/64',
            gateway: null,
            link: name,
            scope: 'link',
          }),
        ),
      ),
      ...(isCilium && families.includes(4)
        ? [aRoute({ destination: '10.244.1.0/24', gateway: layout.gateway(4), link: 'cilium_host' })]
        : []),
      ...(layout.plugin === 'calico'
        ? [aRoute({ type: 'blackhole', destination: '10.244.1.0/26', gateway: null, link: null })]
        : []),
      ...attached.flatMap(({ hostLink, addresses }) =>
        hostLink === null || layout.hostRoute === undefined
          ? []
          : addresses.map(({ family, address }) =>
              aRoute({
                family,
                destination: `${address}/${family === 4 ? 32 : 128}`,
                gateway: null,
                link: hostLink.name,
                scope: 'link',
                table: layout.hostRoute === 'branch' ? '101' : 'main',
              }),
            ),
      ),
    ],
  });
}

/** What runs on a node besides pods, with its own network namespace. */
export function neighbour(kind: NodePlan['neighbours'][number], index: number): NetworkNamespace {
  const inode = 4026539000 + index;
  const wired = healthy.aStack({
    links: [aLoopback(), aLink({ peer: { status: 'unknown', reason: 'not read', namespaceId: 0 } })],
  });
  const empty = healthy.aStack({ links: [aLoopback()], addresses: [], routes: [] });
  const containerId = hash(kind, 32).padEnd(64, 'd');
  const namespace = (pins: string[], command: string, container: string | null, value = wired) =>
    healthy.aNamespace({
      inode,
      pins,
      namespaceIds: [],
      holders: [{ pid: 9000 + index, command, via: 'process', containerId: container, ofPod: false }],
      stack: { status: 'present', value },
    });
  switch (kind) {
    case 'podman':
      return namespace(['/run/netns/netns-0a1b2c3d'], 'registry', containerId);
    case 'nerdctl':
      return namespace([], 'registry', containerId);
    case 'docker':
      return namespace(['/run/docker/netns/0123456789ab'], 'registry', containerId);
    case 'service':
      return namespace([], 'rtkit-daemon', null, empty);
    case 'vpn':
      return namespace(['/run/netns/vpn'], 'openvpn', null);
    case 'cilium-health':
      return namespace(['/run/netns/cilium-health'], 'cilium-health-r', null);
  }
}

/** The IPAM store that gave the pods their addresses. */
export function stores(kind: 'host-local' | 'aws', attached: readonly Attached[]): Sources['ipam'][number] {
  return {
    kind,
    network: 'lab',
    path: kind === 'aws' ? '/run/aws-node/ipam.json' : '/var/lib/cni/networks/lab',
    capacity: kind === 'aws' ? null : 253,
    allocations: attached.flatMap(({ addresses, sandbox, pod }) =>
      addresses.map(({ address }) => ({
        address,
        containerId: sandbox.id,
        interface: 'eth0',
        modifiedAt: sandbox.createdAt,
        pod: kind === 'aws' ? `${pod.namespace}/${pod.name}` : null,
      })),
    ),
    corrupt: [],
  };
}
