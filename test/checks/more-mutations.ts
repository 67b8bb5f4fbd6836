/** More faults for nodes.test.ts: inside pods, of the node, and as the runtime and the API report them. */
import { hostLinkPrefixes } from '../../lib/model/cni-plugins.ts';
import { found, type Mutation, type Parts, remove } from './broken-node.ts';
import { aHostLink, aLink, aNamespace, anEvent, aPin, aRoute, HOST_NAMESPACE } from './evidence.ts';
import { line, waitingFor } from './kernel/evidence.ts';
import type { RawNode } from './nodes.ts';

const SANDBOX = 'd'.repeat(64);
const rule = {
  ...{ family: 4 as const, priority: 0, source: 'all', destination: null, inputLink: null, outputLink: null },
  ...{ detached: false, fwmark: null, drops: null, protocol: null },
};
const holdsIPv4 = ({ own }: Parts) =>
  own.addresses.some(({ family, link, scope }) => family === 4 && link === 'eth0' && scope === 'global');
const onBridge = ({ hostLink }: Parts, { layout }: RawNode) =>
  layout.bridge !== undefined && hostLink?.kind === 'veth';
const nobodyGoes = (_: Parts, { pods }: RawNode) =>
  pods.every(({ deletionTimestamp }) => deletionTimestamp === null);

export const mutationsOfPods: Readonly<Record<string, Mutation>> = {
  'host-interface-in-pod': {
    break: ({ own }) =>
      own.links.push(
        aLink({
          index: 50,
          name: 'ens5',
          kind: null,
          mac: '02:00:00:00:77:01',
          parentDevice: '0000:00:06.0',
          peer: null,
        }),
      ),
  },
  'pod-secondary-interface-missing': {
    break: ({ pod }) => {
      pod.annotations = { ...pod.annotations, 'k8s.v1.cni.cncf.io/networks': 'storage' };
    },
  },
  'link-arp-ignored': { break: ({ link }) => Object.assign(link, { arpIgnore: 8 }), on: holdsIPv4 },
  'pod-ipsec-blocks': {
    break: ({ own }) =>
      Object.assign(own, {
        ipsecPolicies: [...[{ family: 4, direction: 'out', action: 'block', priority: 0 }]].map((policy) => ({
          ...policy,
          source: '0.0.0.0/0',
          destination: '0.0.0.0/0',
        })),
      }),
    on: holdsIPv4,
  },
  'pod-firewall-unexpected': {
    break: ({ own }) =>
      own.packetFilters.push({
        backend: 'iptables-nft',
        tables: [
          {
            name: 'filter',
            chains: [
              {
                name: 'OUTPUT',
                hook: 'output',
                policy: 'accept',
                rules: ['-A OUTPUT -p tcp --dport 25 -j DROP'],
              },
            ],
          },
        ],
      }),
  },
  'pod-route-blackhole': {
    break: ({ own }) =>
      own.routes.push(
        aRoute({ type: 'blackhole', destination: '10.77.0.0/16', gateway: null, link: null, metric: null }),
      ),
  },
  'pod-routing-incomplete': {
    break: ({ own }) => own.rules.push({ ...rule, table: 'local' }),
    on: holdsIPv4,
  },
  'resolv-conf-unexpected': {
    break: ({ sandbox }) =>
      Object.assign(found(sandbox.containers[0]), {
        resolvConf: { exists: true, nameservers: ['9.9.9.9'], searches: [], options: [] },
      }),
  },
  'bridge-port-flags-wrong': {
    break: ({ hostLink }) =>
      Object.assign(found(hostLink ?? undefined), {
        portFlags: { hairpin: false, learning: false, isolated: true },
      }),
    on: onBridge,
  },
  'link-program-unexpected': {
    break: ({ hostLink }, { linkPrograms }) =>
      linkPrograms.push({
        ...{ link: found(hostLink).name, place: 'queue', kind: 'netem', priority: 0 },
        ...{ name: null, classic: false, drops: null },
      }),
    on: ({ hostLink }) => hostLink?.kind === 'veth',
  },
  'node-firewall-drops-pod': {
    break: ({ pod }, { hostPacketFilters }) =>
      hostPacketFilters.push({
        backend: 'iptables-nft',
        tables: [
          {
            name: 'filter',
            chains: [
              {
                ...{ name: 'FORWARD', hook: 'forward', policy: 'accept' },
                rules: pod.podIPs.map((ip) => `-A FORWARD -s ${ip}/${ip.includes(':') ? 128 : 32} -j DROP`),
              },
            ],
          },
        ],
      }),
    on: (parts) => parts.own.addresses.some(({ address }) => parts.pod.podIPs.includes(address)),
  },
  'host-network-pod-isolated': { break: ({ pod }) => Object.assign(pod, { hostNetwork: true }) },
  'veth-orphaned': {
    break: ({ host }) =>
      host.links.push(
        aHostLink({
          ...{ index: 900, name: 'vethdeadbeef', master: null, portState: null },
          peer: { status: 'missing', namespace: HOST_NAMESPACE, index: 901 },
        }),
      ),
  },
  'host-route-stale': {
    break: ({ host, hostLink }) =>
      host.routes.push(
        aRoute({
          ...{ destination: '10.244.1.199/32', gateway: null, scope: 'link', metric: null },
          link: found(hostLink).name,
        }),
      ),
    // Only these links are known to lead to one pod each.
    on: ({ hostLink }) =>
      hostLink?.kind === 'veth' &&
      hostLink.master === null &&
      hostLinkPrefixes.some((prefix) => hostLink.name.startsWith(prefix)),
  },
};

/** They affect all pods of the node, take the place of another finding, or need a second pod that is healthy. */
export const mutationsOfNode: Readonly<Record<string, Mutation>> = {
  'pod-neighbour-wrong': {
    break({ own }, { pods }) {
      const [other = ''] = found(pods.find(({ name }) => name === 'web-1')).podIPs;
      own.neighbours.push({
        ...{ link: 'eth0', destination: other, mac: '02:de:ad:be:ef:02', states: ['PERMANENT'] },
      });
    },
    on: onBridge,
  },
  'namespace-count-near-limit': {
    break: (_, { kernel, namespaces }) =>
      Object.assign(kernel.sysctls, { 'user.max_net_namespaces': String(namespaces.length) }),
  },
  'namespace-mounts-near-limit': { break: (_, { mounts }) => Object.assign(mounts, { total: 99_000 }) },
  'namespace-mount-propagation': {
    break(_, { mounts }) {
      for (const mount of mounts.directories) mount.propagation = 'private';
    },
    on: (_, { pins }) => pins.length > 0,
  },
  'namespace-pinned-elsewhere': {
    break: ({ inode }, { mounts }) =>
      mounts.elsewhere.push({
        ...{ mountNamespace: 4026539999, pid: 4711, command: 'node-agent', containerId: null },
        inodes: [inode],
      }),
    on: ({ inode }, { pins }) => pins.some((pin) => pin.inode === inode),
  },
  'namespace-creation-failing': {
    break: (_, node) =>
      Object.assign(node.creation, { ok: false, error: 'unshare failed: No space left on device' }),
  },
  'namespace-hidden': {
    break: (_, { hiddenNamespaces }) =>
      hiddenNamespaces.push({
        ...{ namespaceId: 77, links: [], suspects: [], socketsUnread: null },
        holders: [{ pid: 4711, command: 'node-agent', sockets: 1, containerId: null, podUid: null }],
      }),
  },
  'namespaces-dying': {
    break: (_, { kernel }) =>
      kernel.blockedTasks.push({ pid: 9, command: 'kworker/u8:1+netns', stack: ['nf_hook', 'cleanup_net'] }),
  },
  'kernel-unregister-netdevice': {
    break: (_, { kernelLog }) => kernelLog.push(...waitingFor('lo', [1, 1, 1, 1])),
  },
  'kernel-netns-hung': {
    break: (_, { kernelLog }) =>
      kernelLog.push(
        line(60, 'INFO: task runc:[1:CHILD]:4711 blocked for more than 122 seconds.'),
        line(60, 'Call Trace:'),
        line(60, ' copy_net_ns+0x1a0/0x300'),
      ),
  },
  'conntrack-near-full': { break: (_, { kernel }) => Object.assign(kernel, { conntrackEntries: 260_000 }) },
  'neighbour-table-near-full': {
    break: (_, { kernel }) => Object.assign(kernel.neighbours, { ipv4: 1020 }),
  },
  'cni-plugin-missing': {
    break: (_, { cniConfig, layout }) => remove(cniConfig.binaries, (name) => name === layout.plugin),
  },
  'ipam-corrupt': {
    break: (_, { ipam }) =>
      found(ipam[0]).corrupt.push({ path: `${found(ipam[0]).path}/10.244.1.9`, reason: 'no container id' }),
    on: (_, { ipam }) => ipam.length > 0,
  },
  'ipam-near-exhausted': {
    break(_, { ipam }) {
      const store = found(ipam[0]);
      const families = Map.groupBy(store.allocations, ({ address }) => address.includes(':'));
      store.capacity = (families.get(false) ?? store.allocations).length;
    },
    on: (_, { ipam }) => ipam[0]?.kind === 'host-local',
  },
  'node-resolv-conf-loop': {
    break: (_, { nodeResolvConf }) => Object.assign(nodeResolvConf, { nameservers: ['127.0.0.53'] }),
    on: (_, { pods }) => pods.every(({ dnsPolicy }) => dnsPolicy !== 'Default'),
  },
  'node-cluster-dns-wrong': {
    break: (_, { clusterDns }) =>
      Object.assign(clusterDns, { kubelet: { servers: ['10.96.0.99'], domain: 'cluster.local' } }),
  },
  'node-default-route-missing': {
    break: ({ host }) => remove(host.routes, ({ destination }) => destination.endsWith('/0')),
    on: ({ host }) => host.addresses.some(({ family, scope }) => family === 4 && scope === 'global'),
  },
  'firewall-backends-mixed': {
    break: (_, { hostPacketFilters }) =>
      hostPacketFilters.push({
        backend: 'iptables-nft',
        tables: [
          {
            name: 'nat',
            chains: [
              { name: 'KUBE-SERVICES', hook: null, policy: null, rules: ['-A KUBE-SERVICES -j RETURN'] },
            ],
          },
        ],
      }),
  },
};

export const mutationsOfApi: Readonly<Record<string, Mutation>> = {
  'runtime-network-not-ready': {
    break: (_, { node }) =>
      Object.assign(node, {
        ready: false,
        notReadyMessage:
          'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady',
      }),
  },
  'sandbox-stuck-terminating': {
    break: ({ pod }) => Object.assign(pod, { deletionTimestamp: '2026-11-19T22:00:00Z' }),
  },
  'sandbox-stale': {
    break({ sandbox }, node) {
      const path = '/run/netns/cni-7d1f0a5e-1111-4e0e-9d0e-5f1c7a2b3c4d';
      const inode = 4026537666;
      node.pins.push(aPin({ path, inode, mounted: [inode] }));
      node.namespaces.push(aNamespace({ inode, pins: [path], holders: [] }));
      node.sandboxes.push({
        ...sandbox,
        ...{ id: SANDBOX, uid: '99999999-9999-4999-8999-999999999999', name: 'gone', state: 'stopped' },
        ...{ namespacePath: path, networkNamespace: null, pid: null, process: 'none', containers: [] },
        createdAt: '2026-11-01T00:00:00Z',
      });
    },
    on: nobodyGoes,
  },
  'sandbox-create-failing': {
    break({ pod }, { events }) {
      Object.assign(pod, { phase: 'Pending', startedAt: null, podIPs: [], containers: [] });
      events.push(
        anEvent({
          ...{ uid: pod.uid, name: pod.name, count: 9 },
          message: 'plugin type="bridge" failed (add): no IP addresses available',
        }),
      );
    },
  },
  'sandbox-kill-failing': {
    break({ pod }, { events }) {
      pod.deletionTimestamp = '2026-11-20T01:59:30Z';
      events.push(
        anEvent({
          ...{ reason: 'FailedKillPod', uid: pod.uid, name: pod.name, count: 20 },
          message: 'failed to destroy network for sandbox: plugin type="bridge" failed (delete): timeout',
        }),
      );
    },
  },
  'sandbox-recreated-repeatedly': {
    break: ({ pod }, { events }) =>
      events.push(
        anEvent({
          ...{ reason: 'SandboxChanged', uid: pod.uid, name: pod.name, count: 60 },
          message: 'Pod sandbox changed, it will be killed and re-created.',
        }),
      ),
  },
  'ipam-conflict': {
    break: ({ pod, sandbox }, { ipam }) => {
      for (const allocation of found(ipam[0]).allocations)
        if (pod.podIPs.includes(allocation.address) && allocation.containerId === sandbox.id)
          allocation.containerId = 'e'.repeat(64);
    },
    on: (_, { ipam, layout }) => ipam.length > 0 && layout.hostRoute !== 'branch',
  },
};
