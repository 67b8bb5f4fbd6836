/** What a node says of the pings between its pods and those of the next node. */
import type { CrossSent, NodeCrossing } from '../../model/crossing.ts';
import type { Evidence } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';

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
  if (plan.status === 'none') return { node, addresses: [], plan, unread: null, fromNode: [], fromPods: [] };
  if (sent === null) return unread(node, 'the probe sent no pings to the next node', plan);
  if (podNetworks.status !== 'present') return unread(node, `podNetworks: ${podNetworks.reason}`, plan);
  return {
    node,
    addresses: hostNetwork.status === 'present' ? addressesOf(hostNetwork.value) : [],
    plan,
    unread: null,
    fromNode: sent.node,
    fromPods: plan.sources.flatMap(({ uid, address }) => {
      const network = podNetworks.value.find(({ pod }) => pod.uid === uid);
      const pings = network === undefined ? undefined : pingsOf(sent, network.namespace);
      // The pod may have lost the address, or another pod may have taken it.
      const holds = network?.stack?.addresses.some((held) => held.address === address) === true;
      return pings === undefined || !holds ? [] : [{ uid, pings }];
    }),
  };
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
  return { node, addresses: [], plan, unread: reason, fromNode: [], fromPods: [] };
}
