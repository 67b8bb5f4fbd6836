import type { HiddenNamespace, SocketHolder } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { Link, Route } from '../../model/network.ts';
import { counted, firstOf, listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, type Outcome, pass } from '../define.ts';
import { look, lookOnNode, recreatePod, repair } from '../remedies/steps.ts';

/**
 * A socket created inside and kept by a process elsewhere is enough to keep a namespace alive; lsns does not
 * show it (istio#53371).
 */
export const namespaceHidden = defineCheck({
  id: 'namespace-hidden',
  topic: 'namespaces',
  severity: 'medium',
  title: 'Every link of the node leads to a namespace that can be found',
  failureTitle: 'Only a socket keeps a network namespace alive',
  why:
    'No pin, process or descriptor leads to it, so no tool lists it, yet it keeps its veth pair and ' +
    'addresses. The next pod cannot get that name or address, and deleting files does not free it.',
  observations: 2,
  needs: ['hiddenNamespaces', 'hostNetwork', 'pods'],
  run({ hiddenNamespaces, hostNetwork, pods }, { node }) {
    const outcomes: Outcome[] = hiddenNamespaces.map((hidden) => {
      const [link] = hidden.links;
      const known = hidden.holders[0] ?? hidden.suspects[0];
      const name = link ?? known?.command ?? `id ${hidden.namespaceId}`;
      const object = { kind: 'namespace', name, node } as const;
      const reason = innocent(hidden, hostNetwork);
      if (reason !== null) return notApplicable(object, reason);
      const where =
        `${link === undefined ? 'The node still knows a namespace' : `${listed(hidden.links)} of the node leads to a namespace`}` +
        ` (id ${hidden.namespaceId}) that no pin, process or descriptor leads to`;
      return fail(object, {
        ...(hidden.holders.length > 0
          ? ofHolders(hidden, where, node, pods)
          : ofSuspects(hidden, where, node, pods)),
        ...(link === undefined ? { severity: 'low' as const } : {}),
      });
    });
    // The object is the node, so that a namespace that is gone counts as examined.
    return outcomes.some(({ result }) => result === 'fail')
      ? outcomes
      : [...outcomes, pass(nodeObject(node))];
  },
});

type Pods = readonly Pod[];

/** The holders' sockets were read, so they are certain. */
function ofHolders({ namespaceId, holders }: HiddenNamespace, where: string, node: string, pods: Pods) {
  const named = listed(holders.map((holder) => describe(holder, podOf(holder, pods))));
  return {
    detail: `${where}: it is kept alive by ${named}.`,
    confidence: 'confirmed',
    evidence: [
      hiddenRow(namespaceId),
      {
        what: 'holders of its sockets',
        expected: 'none',
        actual: named,
        source: 'ioctl SIOCGSKNS of each socket that is not of its own namespace',
      },
    ],
    remedy: [LOOK_AGAIN, ...restart(holders, node, pods)],
  } as const;
}

function ofSuspects(hidden: HiddenNamespace, where: string, node: string, pods: Pods) {
  const { namespaceId, links, suspects, socketsUnread } = hidden;
  const named = listed(suspects.map((suspect) => describe(suspect, null)));
  // A process whose sockets were all read and belong to other namespaces is not a suspect.
  const doubted = socketsUnread === null ? [] : suspects;
  const verdict =
    suspects.length === 0
      ? ''
      : doubted.length === 0
        ? '; no socket of a process is in it, so the kernel itself keeps it (a tunnel made in it, a mount over the network)'
        : `; sockets of another namespace are held by ${named}, and which of them keeps it is unknown: ${socketsUnread}`;
  return {
    detail: `${where}${verdict}.`,
    confidence: links.length > 0 && doubted.length > 0 ? 'probable' : 'suspected',
    evidence: [
      hiddenRow(namespaceId),
      {
        what: 'holders of sockets that are not of their own namespace',
        actual: `${named || 'none seen'}${socketsUnread === null ? '' : ` (${socketsUnread})`}`,
        source: '/proc/*/fd against /proc/*/net',
      },
    ],
    remedy: [
      LOOK_AGAIN,
      ...restart(doubted, node, pods),
      repair(
        'If no holder can be identified, drain the node and reboot it. Do not delete the link by hand: the namespace would stay.',
      ),
    ],
  } as const;
}

const LOOK_AGAIN = look(
  'The kernel takes namespaces apart in the background: look again after a minute before you act.',
);

function hiddenRow(namespaceId: number): Comparison {
  return {
    what: 'namespace behind the link',
    expected: 'pinned, or with a process or descriptor',
    actual: `id ${namespaceId}, of no known namespace`,
    source: 'ip netns list-id',
  };
}

type Suspect = { readonly pid: number; readonly command: string; readonly sockets: number };

function describe({ command, pid, sockets }: Suspect, pod: Pod | null): string {
  const of = pod === null ? '' : ` of pod ${namespacedName(pod)}`;
  return `${command} (pid ${pid}, ${counted(sockets, 'socket')})${of}`;
}

/** By uid, or by container: a static pod has a different uid in its cgroup. */
function podOf(holder: Suspect | SocketHolder, pods: Pods): Pod | null {
  if (!('podUid' in holder)) return null;
  const { podUid, containerId } = holder;
  return (
    pods.find(
      ({ uid, containers }) =>
        uid === podUid || (containerId !== null && containers.some(({ id }) => id === containerId)),
    ) ?? null
  );
}

/** Restarts each pod once. For processes of the node, the first step is to see what they belong to. */
function restart(holders: readonly (Suspect | SocketHolder)[], node: string, pods: Pods): RemedyStep[] {
  const owned = holders.map((holder) => ({ holder, pod: podOf(holder, pods) }));
  const known = new Set(owned.flatMap(({ pod }) => pod ?? []));
  const others = owned.flatMap(({ holder, pod }) => (pod === null ? [holder] : []));
  return [
    ...firstOf(
      [...known],
      3,
      (pod) => [
        repair(
          `Restart the holder, pod ${namespacedName(pod)}: the kernel frees the namespace with its last socket.`,
        ),
        ...recreatePod(pod),
      ],
      (left) => repair(`Likewise the other ${counted(left, 'pod')} that hold its sockets.`),
    ),
    ...firstOf(
      others,
      3,
      ({ command, pid }) =>
        lookOnNode(node, `find out whose process ${command} is`, `cat /proc/${pid}/cgroup`),
      (left) => look(`Likewise the other ${left} that hold such sockets.`),
    ),
    ...(others.length > 0
      ? [
          repair(
            'Restart the service or pod of that process: the kernel frees the namespace with its last socket. ' +
              'Do not delete the link by hand: the namespace would stay.',
          ),
        ]
      : []),
  ];
}

type HostNetwork = { readonly links: readonly Link[]; readonly routes: readonly Route[] };

function innocent(hidden: HiddenNamespace, hostNetwork: HostNetwork): string | null {
  const isDefault = (route: Route) => route.destination === '0.0.0.0/0' || route.destination === '::/0';
  const names = new Set(hidden.links);
  const uplink = hostNetwork.routes.find(
    (route) => isDefault(route) && route.link !== null && names.has(route.link),
  );
  if (uplink !== undefined) return `${uplink.link} is the node's own way out: the node is itself a container`;
  const pairs = hostNetwork.links.filter(({ name, kind }) => names.has(name) && isPair(kind));
  // A tunnel or VLAN remembers the namespace in which it was created, which is the node's business.
  if (hidden.links.length > 0 && pairs.length === 0) return 'its links are not veth pairs';
  return hidden.links.length === 0 && hidden.holders.length === 0 && hidden.suspects.length === 0
    ? 'no link leads there and no socket is held from elsewhere: an id that is about to go'
    : null;
}

function isPair(kind: string | null): boolean {
  return kind === 'veth' || kind === 'netkit';
}
