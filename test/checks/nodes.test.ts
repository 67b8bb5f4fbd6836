import fc from 'fast-check';
import { expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { diagnoseNode } from '../../lib/diagnosis/diagnose-node.ts';
import { cniPlugin, knownPlugins } from '../../lib/model/cni-plugins.ts';
import { found, type Mutation, type Parts, podAt, remove } from './broken-node.ts';
import { aNamespace, anAddress, aPin, aRoute, HOST_NAMESPACE, HOST_PID_NAMESPACE } from './evidence.ts';
import { mutationsOfApi, mutationsOfNode, mutationsOfPods } from './more-mutations.ts';
import { aNodePlan, type NodePlan } from './node-plan.ts';
import { evidenceOf, makeNode, type RawNode } from './nodes.ts';

const findingsOf = (node: RawNode) =>
  diagnoseNode(evidenceOf(node), catalogue, { settleSeconds: { pod: 300, orphan: 900 } });

it('finds nothing on a healthy node, whatever its layout, its pods and what runs beside them', () => {
  fc.assert(
    fc.property(aNodePlan, (plan) => {
      const { failures, tallies } = findingsOf(makeNode(plan));
      expect(failures.map(({ check, object, detail }) => `${check} ${object.name}: ${detail}`)).toEqual([]);
      expect(
        tallies
          .filter(({ unknown }) => unknown > 0)
          .map(({ check, reasons }) => `${check}: ${reasons.join()}`),
      ).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

const paired = ({ hostLink }: Parts) => hostLink?.kind === 'veth';
const known: readonly string[] = knownPlugins.filter((plugin) => cniPlugin(plugin)?.layout != null);
const routed = (parts: Parts, { layout }: RawNode) =>
  paired(parts) && known.includes(layout.plugin) && layout.hostRoute !== 'branch';
const isCilium = (parts: Parts, { layout }: RawNode) => paired(parts) && layout.plugin === 'cilium-cni';
const forwards = ({ layout }: RawNode) => cniPlugin(layout.plugin)?.layout?.forwarding === true;
const isDefault = ({ destination }: { destination: string }) => destination.endsWith('/0');

const mutations: Readonly<Record<string, Mutation>> = {
  ...mutationsOfPods,
  ...mutationsOfNode,
  ...mutationsOfApi,
  'pod-interface-missing': { break: ({ own, link }) => remove(own.links, (each) => each === link) },
  'pod-interface-down': {
    break: ({ link }) => Object.assign(link, { up: false, carrier: false, operState: 'DOWN' }),
  },
  'pod-loopback-down': {
    break: ({ own }) => Object.assign(found(own.links.find(({ loopback }) => loopback)), { up: false }),
  },
  'node-loopback-down': {
    break: ({ host }) => Object.assign(found(host.links.find(({ loopback }) => loopback)), { up: false }),
  },
  'pod-ttl-too-small': {
    break: ({ own }) => Object.assign(own, { ttl: 1 }),
    on: ({ pod }) => pod.podIPs.some((address) => !address.includes(':')),
  },
  'pod-mtu-mismatch': { break: ({ link }) => Object.assign(link, { mtu: 9500 }) },
  'node-mtu-too-small': {
    break({ host }) {
      for (const link of host.links) if (link.peer === null) link.mtu = 1000;
    },
  },
  'pod-address-missing': {
    break: ({ own }) => remove(own.addresses, ({ link, scope }) => link === 'eth0' && scope === 'global'),
  },
  'pod-address-mismatch': {
    break({ own }) {
      const address = found(own.addresses.find(({ link, scope }) => link === 'eth0' && scope === 'global'));
      address.address = address.family === 4 ? '10.9.9.9' : 'fd99::9';
    },
  },
  'pod-address-foreign': {
    break: ({ own }) => own.addresses.push(anAddress({ link: 'lo', address: '10.0.3.7', prefixLength: 32 })),
  },
  'pod-default-route-missing': {
    break: ({ own }) => remove(own.routes, isDefault),
    on: (parts, node) => routed(parts, node) || ['macvlan', 'ipvlan'].includes(node.layout.plugin),
  },
  'pod-gateway-route-missing': {
    break: ({ own }) => remove(own.routes, (route) => route.family === 4 && !isDefault(route)),
    on: (parts, node) => routed(parts, node) && parts.own.routes.some(({ family }) => family === 4),
  },
  'pod-gateway-neighbour-wrong': {
    break: ({ own }) =>
      Object.assign(
        own.neighbours,
        own.neighbours.map((entry) => ({ ...entry, ...{ mac: '02:de:ad:be:ef:01', states: ['PERMANENT'] } })),
      ),
    on: (parts, node) =>
      routed(parts, node) &&
      parts.own.neighbours.some(
        ({ destination }) => !destination.includes(':') || node.layout.plugin === 'aws-cni',
      ),
  },
  'host-route-missing': {
    break: ({ host, hostLink }, { layout }) =>
      remove(host.routes, ({ link }) => link === (layout.bridge ?? hostLink?.name)),
    on: (parts, node) => routed(parts, node) && forwards(node),
  },
  'host-route-misdirected': {
    break: ({ host, pod }) =>
      host.routes.unshift(
        ...pod.podIPs.map((ip) =>
          aRoute({
            family: ip.includes(':') ? 6 : 4,
            destination: `${ip}/${ip.includes(':') ? 128 : 32}`,
            gateway: null,
            link: 'virbr0',
            metric: null,
          }),
        ),
      ),
    on: (parts, node) => routed(parts, node) && node.layout.bridge !== undefined,
  },
  'node-bridge-broken': {
    break: ({ host }, { layout }) =>
      Object.assign(found(host.links.find(({ name }) => name === layout.bridge)), { up: false }),
    on: (_, { layout }) => layout.bridge !== undefined,
  },
  'gateway-link-broken': {
    break: ({ host }) => remove(host.routes, ({ link }) => link === 'cilium_host'),
    on: (parts, node) => isCilium(parts, node) && parts.pod.podIPs.some((ip) => !ip.includes(':')),
  },
  'link-program-missing': {
    break: ({ hostLink }, { attachedPrograms }) =>
      Object.assign(found(attachedPrograms.find(({ link }) => link === hostLink?.name)), { in: [] }),
    on: isCilium,
  },
  'node-link-program-missing': {
    break: (_, { attachedPrograms }) =>
      Object.assign(found(attachedPrograms.find(({ link }) => link === 'cilium_host')), { out: [] }),
    on: isCilium,
  },
  'bridge-address-stale': {
    break: ({ host }, { layout }) => remove(host.addresses, ({ link }) => link === layout.bridge),
    on: (_, { layout }) => layout.bridge !== undefined,
  },
  'node-forwarding-disabled': {
    break: (_, { kernel }) =>
      Object.assign(kernel.sysctls, { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '0' }),
    on: (parts, node) => routed(parts, node) && forwards(node),
  },
  'veth-host-side-down': {
    break: ({ hostLink }) => Object.assign(found(hostLink), { up: false, operState: 'DOWN' }),
    on: paired,
  },
  'veth-peer-missing': {
    break({ link, host, hostLink }) {
      link.peer = { status: 'missing', namespace: HOST_NAMESPACE, index: hostLink?.index ?? 0 };
      remove(host.links, (each) => each === hostLink);
    },
    on: paired,
  },
  'veth-peer-mismatch': {
    break({ link, hostLink }) {
      link.peer = {
        status: 'mismatched',
        namespace: HOST_NAMESPACE,
        index: hostLink?.index ?? 0,
        name: hostLink?.name ?? '',
        pointsTo: 'eth0 of another',
      };
    },
    on: paired,
  },
  'veth-bridge-detached': {
    break: ({ hostLink }) => Object.assign(found(hostLink), { master: null, portState: null }),
    on: (_, { layout }) => layout.bridge !== undefined,
  },
  'pod-in-host-network': {
    break: ({ sandbox }) => Object.assign(found(sandbox.containers[0]), { networkNamespace: HOST_NAMESPACE }),
  },
  'pod-network-split': {
    break: ({ sandbox }) =>
      sandbox.containers.push({
        ...found(sandbox.containers[0]),
        name: 'second',
        networkNamespace: 4026538888,
      }),
  },
  'pod-sees-host-processes': {
    break: ({ sandbox }) => Object.assign(found(sandbox.containers[0]), { pidNamespace: HOST_PID_NAMESPACE }),
  },
  'namespace-orphaned': {
    break(_, node) {
      const orphan = { inode: 4026537777, pins: ['/run/netns/cni-0d9aa5c1-6f0f-4e0e-9d0e-5f1c7a2b3c4d'] };
      node.namespaces.push(aNamespace({ ...orphan, holders: [] }));
      node.pins.push(aPin({ path: orphan.pins[0] ?? '', inode: orphan.inode, mounted: [orphan.inode] }));
    },
    // While a pod is starting or ending, a namespace without a sandbox may belong to it.
    on: (_, { pods }) => pods.every(({ deletionTimestamp }) => deletionTimestamp === null),
  },
  'namespace-pin-missing': {
    break(own, node) {
      remove(node.pins, ({ inode }) => inode === own.inode);
      found(node.namespaces.find(({ inode }) => inode === own.inode)).pins = [];
    },
    on: ({ sandbox }) => sandbox.namespacePath !== null,
  },
  'namespace-pin-invalid': {
    break(own, node) {
      Object.assign(found(node.pins.find(({ inode }) => inode === own.inode)), {
        fileSystem: 'tmpfs',
        inode: 7,
        mounted: [],
      });
      found(node.namespaces.find(({ inode }) => inode === own.inode)).pins = [];
    },
  },
  'sandbox-missing': {
    break({ sandbox }, node) {
      remove(node.sandboxes, (each) => each === sandbox);
      remove(node.processes, ({ containerId }) => sandbox.containers.some(({ id }) => id === containerId));
    },
    // The probe's own pod has a sandbox, so an empty list means that the runtime was not read.
    on: (_, { sandboxes }) => sandboxes.length > 1,
  },
  'sandbox-ghost': { break: ({ pod }, node) => remove(node.pods, (each) => each === pod) },
  'sandbox-duplicated': {
    break: ({ sandbox }, node) =>
      node.sandboxes.push({ ...sandbox, id: 'f'.repeat(64), createdAt: '2026-08-01T00:00:00Z' }),
    on: ({ sandbox }) => (sandbox.createdAt ?? '') < '2026-11-20T01:00:00Z',
  },
  'sandbox-process-dead': {
    break: ({ sandbox }) => Object.assign(sandbox, { process: 'foreign' }),
    on: ({ sandbox }) => sandbox.process !== 'none',
  },
  'ipam-unrecorded': {
    break: ({ pod }, { ipam }) =>
      remove(found(ipam[0]).allocations, ({ address }) => pod.podIPs.includes(address)),
    on: (_, { ipam, layout }) => ipam.length > 0 && layout.hostRoute !== 'branch',
  },
  'ipam-leaked': {
    break: (_, { ipam, layout }) =>
      ipam[0]?.allocations.push({
        address: '10.244.1.240',
        containerId: 'e'.repeat(64),
        interface: 'eth0',
        modifiedAt: '2026-11-01T00:00:00Z',
        pod: layout.ipam === 'aws' ? 'shop/gone' : null,
      }),
    on: (_, { ipam, pods }) =>
      ipam.length > 0 && pods.every(({ deletionTimestamp }) => deletionTimestamp === null),
  },
  'cni-subnet-file-wrong': {
    break: (_, { cniConfig }) => Object.assign(cniConfig, { subnetFile: { exists: false, variables: {} } }),
    on: (_, { layout }) => layout.plugin === 'flannel',
  },
  'mesh-rules-missing': {
    break({ pod, own }) {
      pod.annotations = { ...pod.annotations, 'ambient.istio.io/redirection': 'enabled' };
      pod.containers = pod.containers.filter(({ name }) => name !== 'istio-proxy');
      remove(own.packetFilters, () => true);
    },
  },
  'resolv-conf-missing': {
    break: ({ sandbox }) =>
      Object.assign(found(sandbox.containers[0]), {
        resolvConf: { exists: false, nameservers: [], searches: [], options: [] },
      }),
  },
  'service-rules-detached': {
    break: (_, { hostPacketFilters }) => {
      for (const chain of hostPacketFilters[0]?.tables[0]?.chains ?? [])
        if (chain.name === 'PREROUTING') chain.rules = [];
    },
  },
  'service-rules-stale': {
    break: (_, { hostPacketFilters, clusterDns }) => {
      for (const service of clusterDns.services ?? []) service.endpointAddresses = ['10.244.1.2'];
      const chains = hostPacketFilters[0]?.tables[0]?.chains ?? [];
      chains
        .find(({ name }) => name === 'KUBE-SERVICES')
        ?.rules.push('-A KUBE-SERVICES -d 10.96.0.10/32 -p udp --dport 53 -j KUBE-SVC-A');
      const rules = [
        ['KUBE-SVC-A', '-A KUBE-SVC-A -j KUBE-SEP-A'],
        ['KUBE-SEP-A', '-A KUBE-SEP-A -p udp -j DNAT --to-destination 10.244.1.99:53'],
      ];
      chains.push(
        ...rules.map(([name = '', rule = '']) => ({ name, hook: null, policy: null, rules: [rule] })),
      );
    },
  },
  'pod-firewall-blocks-all': {
    break: ({ own }) =>
      own.packetFilters.push({
        backend: 'nftables',
        tables: [{ name: 'inet lost', chains: [{ name: 'in', hook: 'input', policy: 'drop', rules: [] }] }],
      }),
  },
};

/** Faults that affect more than their own pod, and may explain what is wrong with another. */
const ofTheNode = [
  'node-mtu-too-small',
  'node-bridge-broken',
  'service-rules-stale',
  'bridge-address-stale',
  'node-forwarding-disabled',
  'host-route-missing',
  ...Object.keys(mutationsOfNode),
];

/** A node whose first two pods are ordinary ones, as a copy that can be broken. */
function nodeOf(plan: NodePlan): RawNode {
  const [first, second, ...pods] = [...plan.pods, ...plan.pods];
  const plain = [first, second].map((pod) => ({
    ...found(pod),
    kind: 'plain' as const,
    dnsPolicy: 'ClusterFirst' as const,
  }));
  const { layout, ...node } = makeNode({ ...plan, pods: [...plain, ...pods.slice(0, 6)] });
  return { ...structuredClone(node), layout };
}

it.each(Object.entries(mutations))(
  'finds %s on any node that it can strike',
  (check, { break: mutate, on = () => true }) => {
    fc.assert(
      fc.property(aNodePlan, (plan) => {
        const node = nodeOf(plan);
        const parts = podAt(node, 0);
        fc.pre(on(parts, node));
        mutate(parts, node);
        expect(findingsOf(node).failures.map((failure) => failure.check)).toContain(check);
      }),
      { numRuns: 20 },
    );
  },
);

it('finds both of two faults that strike two pods', () => {
  const one = fc.constantFrom(...Object.keys(mutations).filter((check) => !ofTheNode.includes(check)));
  fc.assert(
    fc.property(aNodePlan, one, one, (plan, ...checks) => {
      const node = nodeOf(plan);
      const faults = checks.map((check, index) => ({
        check,
        parts: podAt(node, index),
        ...found(mutations[check]),
      }));
      fc.pre(faults.every(({ on = () => true, parts }) => on(parts, node)));
      for (const { break: mutate, parts } of faults) mutate(parts, node);
      const { failures } = findingsOf(node);
      // If no pod is left that fits its uplink, the finding is of the node.
      const names = failures.map(({ check }) =>
        check === 'node-mtu-too-small' ? 'pod-mtu-mismatch' : check,
      );
      expect(names).toEqual(expect.arrayContaining(checks));
    }),
    { numRuns: 100 },
  );
});
