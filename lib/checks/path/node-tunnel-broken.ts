import * as z from 'zod';
import { CALICO, CILIUM_CNI, FLANNEL } from '../../model/cni-plugins.ts';
import type { Sources } from '../../model/evidence.ts';
import type { OtherNode } from '../../model/kubernetes.ts';
import type { Link, NetworkStack } from '../../model/network.ts';
import { listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;
/** An agent learns of a node that joined within seconds; a cluster that grows has many at once. */
const JOINING_SECONDS = 300;

const CALICO_DEVICE = 'vxlan.calico';
const CILIUM = /^cilium_(vxlan|geneve)$/;

/** systemd-networkd takes over the device and gives it another address (flannel#1330, #1788); a restart of the network takes it down. */
export const nodeTunnelBroken = defineCheck({
  id: 'node-tunnel-broken',
  topic: 'path',
  severity: 'critical',
  title: 'The tunnel of the node to other nodes is as its agent made it',
  failureTitle: 'Tunnel of the node to other nodes is broken',
  why: "No packet gets from the node's pods to those of other nodes, or none back, while all on the node works. Nodes and pods look healthy.",
  needs: ['node', 'otherNodes', 'hostNetwork'],
  run({ node: own, otherNodes, hostNetwork }, { node, now }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, hostNetwork);
    if (tunnel === null)
      return [notApplicable(object, 'the node has no tunnel device of flannel, Calico or Cilium')];
    const others = otherNodes.filter(
      ({ ready, createdAt }) => ready && now - Date.parse(createdAt) > JOINING_SECONDS * 1000,
    );
    const faults = [...ofDevice(tunnel), ...ofNeighbours(tunnel, hostNetwork, others)];
    if (faults.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: `${quote(tunnel.device, 20)} is broken: ${listed(
          faults.map(({ detail }) => detail),
          5,
        )}.`,
        confidence: 'confirmed',
        evidence: faults.slice(0, SHOWN).map(({ what, expected, actual }) => ({
          what,
          expected,
          actual,
          source: `ip -d link show ${tunnel.device}; ip neigh show dev ${tunnel.device} (node); expected: API: annotations of the nodes`,
        })),
        remedy: [
          lookOnNode(
            node,
            'see the device, and whether a network manager of the node has taken it over.',
            `${command('ip', '-d', 'link', 'show', tunnel.device)}; ${command('ip', 'neigh', 'show', 'dev', tunnel.device)}; journalctl -b -u systemd-networkd -u NetworkManager --no-pager | grep -F ${command(tunnel.device)} | tail -n 20`,
          ),
          ...faults.flatMap(({ line }) =>
            line === null ? [] : [repairOnNode(node, 'put it back; no pod has to be deleted.', line)],
          ),
          // It makes the device and its entries anew; pods keep running.
          restartAgent(tunnel.plugin, node),
        ],
      }),
    ];
  },
});

type Tunnel = {
  readonly plugin: typeof FLANNEL | typeof CALICO | typeof CILIUM_CNI;
  readonly device: string;
  readonly link: Link | null;
  /** What the node announces to the others; null where it announces none. */
  readonly mac: string | null;
  readonly address: { readonly announced: string; readonly held: readonly string[] } | null;
};

type Fault = {
  readonly detail: string;
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly line: string | null;
};

function tunnelOf({ annotations }: Sources['node'], { links, addresses }: NetworkStack): Tunnel | null {
  const named = (name: string) => links.find((link) => link.name === name) ?? null;
  const flannel = flannelOf(annotations);
  if (flannel !== null) {
    const device = `flannel.${flannel.VNI}`;
    return {
      plugin: FLANNEL,
      device,
      link: named(device),
      mac: flannel.VtepMAC.toLowerCase(),
      address: null,
    };
  }
  const announced = annotations['projectcalico.org/IPv4VXLANTunnelAddr'] ?? null;
  const calico = named(CALICO_DEVICE);
  // The annotation stays when VXLAN is turned off, and the device goes with it.
  if (announced !== null && calico !== null) {
    const held = addresses.filter(({ link }) => link === CALICO_DEVICE).map(({ address }) => address);
    return { plugin: CALICO, device: CALICO_DEVICE, link: calico, mac: null, address: { announced, held } };
  }
  const cilium = links.find(({ name }) => CILIUM.test(name));
  return cilium === undefined
    ? null
    : { plugin: CILIUM_CNI, device: cilium.name, link: cilium, mac: null, address: null };
}

const backendSchema = z.object({ VNI: z.number().int().nonnegative(), VtepMAC: z.string().max(100) });

function flannelOf(annotations: OtherNode['annotations']): z.infer<typeof backendSchema> | null {
  if (annotations['flannel.alpha.coreos.com/backend-type'] !== 'vxlan') return null;
  try {
    const data: unknown = JSON.parse(annotations['flannel.alpha.coreos.com/backend-data'] ?? '');
    return backendSchema.safeParse(data).data ?? null;
  } catch {
    return null;
  }
}

function ofDevice({ device, link, mac, address }: Tunnel): Fault[] {
  if (link === null)
    return [
      { detail: 'the device is gone', what: `link ${device}`, expected: 'up', actual: 'none', line: null },
    ];
  const faults: Fault[] = [];
  if (!link.up)
    faults.push({
      detail: 'the device is down',
      what: `link ${device}`,
      expected: 'up',
      actual: 'down',
      // The kernel drops its routes with it: the agent has to write them again.
      line: command('ip', 'link', 'set', device, 'up'),
    });
  if (mac !== null && link.mac?.toLowerCase() !== mac)
    faults.push({
      detail: `it has the MAC address ${link.mac}, but other nodes send to ${mac}`,
      what: `MAC address of ${device}`,
      expected: mac,
      actual: link.mac ?? 'none',
      line: command('ip', 'link', 'set', device, 'address', mac),
    });
  if (address !== null && !address.held.includes(address.announced))
    faults.push({
      detail: `it does not hold ${address.announced}, which other nodes send by`,
      what: `address of ${device}`,
      expected: address.announced,
      actual: listed(address.held) || 'none',
      line: command('ip', 'addr', 'add', `${address.announced}/32`, 'dev', device),
    });
  return faults;
}

/** The kernel does not ask on these devices: the agent writes an entry for each node that a route leads to. */
function ofNeighbours(
  { plugin, device, link }: Tunnel,
  { routes, neighbours }: NetworkStack,
  others: readonly OtherNode[],
): Fault[] {
  if (plugin === CILIUM_CNI || link === null) return [];
  const entries = new Map(
    neighbours.filter((entry) => entry.link === device).map(({ destination, mac }) => [destination, mac]),
  );
  return others.flatMap((other) => {
    const gateway = gatewayOf(plugin, other);
    const used = routes.some((route) => route.link === device && route.gateway === gateway);
    if (gateway === null || !used) return [];
    const mac = entries.get(gateway)?.toLowerCase() ?? null;
    const announced =
      plugin === FLANNEL ? (flannelOf(other.annotations)?.VtepMAC.toLowerCase() ?? null) : null;
    if (mac !== null && (announced === null || announced === mac)) return [];
    return [
      {
        detail:
          mac === null
            ? `it has no entry for node ${other.name} (${gateway})`
            : `its entry for node ${other.name} (${gateway}) is ${mac}, and not ${announced}`,
        what: `neighbour entry of ${device} for ${gateway}`,
        expected: announced ?? 'an entry',
        actual: mac ?? 'none',
        line:
          announced === null
            ? null
            : command(
                'ip',
                'neigh',
                'replace',
                gateway,
                'lladdr',
                announced,
                'nud',
                'permanent',
                'dev',
                device,
              ),
      },
    ];
  });
}

/** flannel's is the first address of the other node's range, Calico's the one that it announces. */
function gatewayOf(plugin: Tunnel['plugin'], { podCIDRs, annotations }: OtherNode): string | null {
  if (plugin === CALICO) return annotations['projectcalico.org/IPv4VXLANTunnelAddr'] ?? null;
  return podCIDRs.find((cidr) => !cidr.includes(':'))?.split('/')[0] ?? null;
}
