import { isHostLinkName } from '../../model/cni-names.ts';

import type { Link } from '../../model/network.ts';
import { listed } from '../../model/text.ts';
import { defineCheck, fail, pass } from '../define.ts';
import { command, look, repairOnNode } from '../remedies/steps.ts';

/**
 * A pair that never got into a pod, or came back out: both ends are on the node, or the other end is in a
 * namespace that has no such link. A pair into an unused namespace belongs to that namespace's finding.
 */
export const vethOrphaned = defineCheck({
  id: 'veth-orphaned',
  topic: 'veth',
  severity: 'medium',
  title: 'Every veth of the CNI plugin leads into a pod',
  failureTitle: 'CNI veth leads to no pod',
  why:
    'A leftover pair keeps its name, so the next pod of that name fails with "already exists". Its ' +
    'routes may take the packets of a pod that has the address now.',
  observations: 2,
  needs: ['hostNetwork', 'host', 'podNetworks'],
  run({ hostNetwork, host, podNetworks }, { node }) {
    const used = new Set(podNetworks.map((network) => network.hostLink?.index));
    const addressesOf = Map.groupBy(hostNetwork.addresses, ({ link }) => link);
    const routesOf = Map.groupBy(hostNetwork.routes, ({ link }) => link);
    const veths = hostNetwork.links.filter((link) => link.kind === 'veth' && isHostLinkName(link.name));
    return veths.map((link) => {
      const object = { kind: 'link', name: link.name, node } as const;
      if (used.has(link.index) || !isOrphan(link, host.networkNamespace)) return pass(object);
      const peer = link.peer?.status === 'matched' ? `${link.peer.name}, on the node too` : 'gone';
      const addresses = (addressesOf.get(link.name) ?? [])
        .filter(({ scope }) => scope === 'global')
        .map(({ address }) => address);
      const routes = (routesOf.get(link.name) ?? [])
        .filter(({ table }) => table === 'main')
        .map(({ destination }) => destination);
      return fail(object, {
        detail:
          `${link.name} has a name of a CNI plugin, but leads into no pod: its other end is ` +
          `${peer}.${routes.length > 0 ? ` It still has routes to ${listed(routes)}.` : ''}`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'link on the node',
            actual: `${link.name}, number ${link.index}`,
            source: 'ip -d link (node)',
          },
          {
            what: `peer of ${link.name}`,
            expected: 'an interface in a pod',
            actual: peer,
            source: 'ip -d link (node)',
          },
          {
            what: 'addresses and routes of it',
            actual: listed([...addresses, ...routes]) || 'none',
            source: 'ip addr, ip route (node)',
          },
        ],
        remedy: [
          look(
            'Make sure that no pod is being started on the node right now, and that the next audit still sees the link.',
          ),
          repairOnNode(
            node,
            'delete the pair; the other end goes with it.',
            command('ip', 'link', 'del', link.name),
          ),
        ],
        repair: { kind: 'delete-veths', name: link.name, index: link.index },
      });
    });
  },
});

function isOrphan(link: Link, hostNamespace: number): boolean {
  if (link.peer?.status === 'missing') return true;
  return link.peer?.status === 'matched' && link.peer.namespace === hostNamespace;
}
