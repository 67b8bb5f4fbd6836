import type { HiddenNamespace } from '../../model/evidence.ts';
import type { Link, Route } from '../../model/network.ts';
import { firstOf, listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, type Outcome, pass } from '../define.ts';
import { look, lookOnNode, repair } from '../remedies/steps.ts';

/** A socket made inside and kept by a process elsewhere is enough; lsns shows nothing (istio#53371). */
export const namespaceHidden = defineCheck({
  id: 'namespace-hidden',
  topic: 'namespaces',
  severity: 'medium',
  title: 'Every link of the node leads to a namespace that can be found',
  failureTitle: 'Network namespace that only a socket keeps alive',
  why: 'No pin, process or descriptor leads to it, so no tool lists it, yet it keeps its veth pair and addresses. The name and address are taken for the next pod, and deleting files does not free it.',
  observations: 2,
  needs: ['hiddenNamespaces', 'hostNetwork'],
  run({ hiddenNamespaces, hostNetwork }, { node }) {
    const outcomes: Outcome[] = hiddenNamespaces.map((hidden) => {
      const [link] = hidden.links;
      const name = link ?? hidden.suspects[0]?.command ?? `id ${hidden.namespaceId}`;
      const object = { kind: 'namespace', name, node } as const;
      const reason = innocent(hidden, hostNetwork);
      if (reason !== null) return notApplicable(object, reason);
      const suspects = hidden.suspects.map(
        (suspect) => `${suspect.command} (pid ${suspect.pid}, ${suspect.sockets} sockets)`,
      );
      return fail(object, {
        detail: `${link === undefined ? 'The node still knows a namespace' : `${hidden.links.join(', ')} of the node leads to a namespace`} (id ${hidden.namespaceId}) that no pin, process or descriptor leads to${suspects.length > 0 ? `; sockets of another namespace are held by ${listed(suspects)}` : ''}.`,
        confidence: link !== undefined && suspects.length > 0 ? 'probable' : 'suspected',
        ...(link === undefined ? { severity: 'low' as const } : {}),
        evidence: [
          {
            what: 'namespace behind the link',
            expected: 'pinned, or with a process or descriptor',
            actual: `id ${hidden.namespaceId}, of no known namespace`,
            source: 'ip netns list-id',
          },
          {
            what: 'holders of sockets that are not of their own namespace',
            actual: listed(suspects) || 'none seen',
            source: '/proc/*/fd against /proc/*/net',
          },
        ],
        remedy: [
          look(
            'The kernel takes namespaces apart in the background: look again after a minute before you act.',
          ),
          ...firstOf(
            hidden.suspects,
            3,
            ({ command, pid }) =>
              lookOnNode(node, `see whose process ${command} is`, `cat /proc/${pid}/cgroup`),
            (left) => look(`Likewise the other ${left} that hold such sockets.`),
          ),
          repair(
            'Restart the service or pod that holds the sockets. Do not delete the link by hand: the namespace would stay. If no holder can be told, drain the node and reboot it.',
          ),
        ],
      });
    });
    // Said of the node as a whole, so that one that is gone counts as examined.
    return outcomes.some(({ result }) => result === 'fail')
      ? outcomes
      : [...outcomes, pass(nodeObject(node))];
  },
});

type HostNetwork = { readonly links: readonly Link[]; readonly routes: readonly Route[] };

function innocent(hidden: HiddenNamespace, hostNetwork: HostNetwork): string | null {
  const isDefault = (route: Route) => route.destination === '0.0.0.0/0' || route.destination === '::/0';
  const names = new Set(hidden.links);
  const uplink = hostNetwork.routes.find(
    (route) => isDefault(route) && route.link !== null && names.has(route.link),
  );
  if (uplink !== undefined) return `${uplink.link} is the node's own way out: the node is itself a container`;
  const pairs = hostNetwork.links.filter(({ name, kind }) => names.has(name) && isPair(kind));
  // A tunnel or VLAN remembers the namespace it was made in, which is the node's business.
  if (hidden.links.length > 0 && pairs.length === 0) return 'its links are no veth pairs';
  return hidden.links.length === 0 && hidden.suspects.length === 0
    ? 'no link leads there and no socket is held from elsewhere: an id that is about to go'
    : null;
}

function isPair(kind: string | null): boolean {
  return kind === 'veth' || kind === 'netkit';
}
