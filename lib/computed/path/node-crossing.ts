/** What a node says of the pings between its pods and those of the next node. */
import { isIP } from 'node:net';
import {
  type CrossPod,
  type CrossSent,
  type NodeCrossing,
  SOURCES_OF_A_NODE,
  TARGETS_OF_A_NODE,
} from '../../model/crossing.ts';
import type { Evidence } from '../../model/evidence.ts';
import type { NetworkStack, Route } from '../../model/network.ts';

/** Of a node with more addresses the rest is not known. */
const ADDRESSES = 50;

/** Null if nobody asked for them. */
export function nodeCrossing({
  crossing,
  podNetworks,
  hostNetwork,
  nodeName: node,
}: Pick<Evidence, 'crossing' | 'podNetworks' | 'hostNetwork' | 'nodeName'>): NodeCrossing | null {
  if (crossing.status === 'absent') return null;
  if (crossing.status === 'failed') return unread(node, crossing.reason);
  const { plan, sent } = crossing.value;
  if (plan.status === 'none')
    return { node, addresses: [], plan, unread: null, fromNode: [], fromPods: [], waysOut: [] };
  if (sent === null) return unread(node, 'the probe sent no pings to the next node', plan);
  if (podNetworks.status !== 'present') return unread(node, `podNetworks: ${podNetworks.reason}`, plan);
  const byUid = new Map(podNetworks.value.map((network) => [network.pod.uid, network]));
  const fromPods = plan.sources
    .flatMap(({ uid, address }) => {
      const network = byUid.get(uid);
      const pings = network === undefined ? undefined : pingsOf(sent, network.namespace);
      // The pod may have lost the address, or another pod may have taken it.
      const holds = network?.stack?.addresses.some((held) => held.address === address) === true;
      return pings === undefined || !holds ? [] : [{ uid, pings }];
    })
    .slice(0, SOURCES_OF_A_NODE);
  const asked = new Set(fromPods.map(({ uid }) => uid));
  const sources = plan.sources.filter(({ uid }) => asked.has(uid));
  const stack = hostNetwork.status === 'present' ? hostNetwork.value : null;
  const first = plan.sources.slice(0, TARGETS_OF_A_NODE);
  const pinged = new Set([plan.next, ...plan.targets, ...first, ...sources].map(({ address }) => address));
  return {
    node,
    addresses: stack === null ? [] : addressesOf(stack),
    // Of those that sent nothing, two can say so for all.
    plan: { ...plan, sources: sources.length > 0 ? sources : plan.sources.slice(0, 2) },
    unread: null,
    fromNode: sent.node.filter(({ target }) => pinged.has(target)),
    fromPods,
    waysOut: stack === null ? [] : waysOut([...first, ...sources], stack),
  };
}

/** None if all go by one table, as everywhere but on AWS: each network interface has a table of its own there. */
function waysOut(pods: readonly CrossPod[], { rules, routes }: NetworkStack): NodeCrossing['waysOut'] {
  const bySource = new Map(
    rules
      .toSorted((a, b) => b.priority - a.priority)
      .flatMap(({ source, table }) => (table === null ? [] : [[source, table] as const])),
  );
  const ways = [...new Set(pods.map(({ address }) => address))].map((address) => {
    const whole = isIP(address) === 6 ? `${address}/128` : `${address}/32`;
    const table = bySource.get(whole) ?? 'main';
    const isDefault = (route: Route) =>
      route.table === table && /^(?:0\.0\.0\.0|::)\/0$/.test(route.destination);
    return { address, table, link: routes.find(isDefault)?.link ?? null };
  });
  return new Set(ways.map(({ table }) => table)).size > 1 ? ways : [];
}

/** Not those of Services, which IPVS keeps on a link that carries nothing. */
function addressesOf({ addresses, links }: NetworkStack): string[] {
  const carrying = new Set(links.flatMap(({ name, kind }) => (kind === 'dummy' ? [] : [name])));
  const held = addresses.filter(({ link, scope }) => scope === 'global' && carrying.has(link));
  return [...new Set(held.map(({ address }) => address))].slice(0, ADDRESSES);
}

const pingsOf = ({ namespaces }: CrossSent, namespace: number | null) =>
  namespaces.find(({ inode }) => inode === namespace)?.pings;

function unread(
  node: string,
  reason: string,
  plan: NodeCrossing['plan'] = { status: 'none', reason, alone: false },
): NodeCrossing {
  return { node, addresses: [], plan, unread: reason, fromNode: [], fromPods: [], waysOut: [] };
}
