import { mayChangeNetwork } from '../../computed/preconditions.ts';
import { AGENT_PROGRAMS } from '../../model/cni-names.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Comparison } from '../../model/finding.ts';
import type { Link } from '../../model/network.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import type { Failure } from '../define.ts';
import { definePodCheck } from '../define-pod-check.ts';
import {
  isLosing,
  isUnexpected,
  linkProgramInWords,
  programRow,
  removePrograms,
} from '../remedies/link-programs.ts';
import { command, look, lookOnNode, recreatePod, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 5;
const WANTED_QUEUE = 'noqueue, or the limit of a bandwidth plugin';
/** What a filter sees, of packets that come in by the link or go out: on the node, and in the pod. */
const OF_POD = { in: 'the pod sends', out: 'is sent to the pod' } as const;
const IN_POD = { in: OF_POD.out, out: OF_POD.in } as const;

type Xdp = NonNullable<Link['xdp']>;

/**
 * A filter or queue on the node's end of a pod's pair handles the pod's packets before any firewall does
 * (cilium#36172, #44194).
 */
export const linkProgramUnexpected = definePodCheck({
  id: 'link-program-unexpected',
  topic: 'path',
  severity: 'high',
  title: "Nothing on the pod's link drops or delays its packets",
  failureTitle: "Unknown filter or queue on the pod's link",
  why:
    "It drops, delays or loses the pod's packets before any firewall or counter sees them: no rule, " +
    'route or log shows why.',
  needs: ['podNetworks', 'linkPrograms'],
  facts({ linkPrograms }) {
    const byLink = Map.groupBy(linkPrograms, ({ link }) => link);
    return { byLink };
  },
  judge(network, { byLink }, { node }) {
    const link = network.hostLink?.name ?? null;
    if (link === null) return "the node's end of the pod's pair could not be determined";
    const found = (byLink.get(link) ?? []).filter(isUnexpected);
    const [first] = found;
    if (first === undefined)
      return xdpOf(network, node) ?? queueInPod(network) ?? filtersInPod(network) ?? 'pass';
    return {
      detail: `${link}, the node's end of the pod's link, has ${listed(
        found.map((program) => linkProgramInWords(program, OF_POD)),
        SHOWN,
      )}.`,
      confidence: found.some(({ drops }) => drops === 'all') ? 'confirmed' : 'probable',
      evidence: rowsOf(found, SHOWN, (program) =>
        programRow(program, program.place === 'queue' ? WANTED_QUEUE : 'none', OF_POD),
      ),
      remedy: removePrograms(found, SHOWN, node, 'the pod keeps running'),
    };
  },
});

const ANNOTATED = 'kmesh.net/redirection';
const OFF = { driver: 'xdpdrv', generic: 'xdpgeneric', offload: 'xdpoffload', several: 'xdp' } as const;

/** Chaos tools set it on the pod's own end. A container that may set one may want it. */
function queueInPod({ pod, link, namespace }: PodNetwork): Failure | null {
  const queue = link?.queue ?? null;
  if (link === null || queue === null || !isLosing(queue)) return null;
  if (pod.containers.some(mayChangeNetwork)) return null;
  return {
    detail:
      `${link.name} of the pod has the queue ${quote(queue, 20)}, which delays or loses packets; no ` +
      'container of the pod may set one.',
    confidence: 'confirmed',
    evidence: [
      {
        what: `queue of ${link.name}`,
        expected: WANTED_QUEUE,
        actual: queue,
        source: `tc qdisc show dev ${link.name} (netns ${namespace})`,
      },
    ],
    remedy: [
      look(
        'See whether an experiment runs that disturbs the pod on purpose (Chaos Mesh, Litmus): it takes the queue off when it ends.',
      ),
      ...recreatePod(pod),
    ],
  };
}

/** Agents load eBPF programs there too, as on the node's end. */
function filtersInPod({ pod, link, namespace, stack }: PodNetwork): Failure | null {
  const found = (stack?.programs ?? []).filter(
    (program) => program.place !== 'queue' && program.link === link?.name && isUnexpected(program),
  );
  if (link === null || found.length === 0 || pod.containers.some(mayChangeNetwork)) return null;
  return {
    detail: `${link.name} of the pod has ${listed(
      found.map((program) => linkProgramInWords(program, IN_POD)),
      SHOWN,
    )}; no container of the pod may add one.`,
    confidence: found.some(({ drops }) => drops === 'all') ? 'confirmed' : 'probable',
    evidence: rowsOf(found, SHOWN, (program) => {
      const row = programRow(program, 'none', IN_POD);
      return { ...row, source: `${row.source} (netns ${namespace})` };
    }),
    remedy: recreatePod(pod),
  };
}

/** Agents attach XDP programs to links between nodes; only Kmesh attaches them to links of pods. */
function xdpOf({ pod, link, hostLink, namespace }: PodNetwork, node: string): Failure | null {
  const onNode = hostLink?.xdp ?? null;
  if (hostLink !== null && onNode !== null && !AGENT_PROGRAMS.test(onNode.name ?? ''))
    return {
      detail: `${hostLink.name}, the node's end of the pod's link, has ${programOf(onNode)}, which sees all that the pod sends.`,
      confidence: 'probable',
      evidence: [xdpRow(hostLink.name, onNode, 'node')],
      remedy: [
        lookOnNode(
          node,
          'find out what the program is, and who loaded it.',
          command('ip', '-d', 'link', 'show', 'dev', hostLink.name),
        ),
        repairOnNode(
          node,
          'remove it; the pod keeps running. Find the program that added it, or it comes back.',
          command('ip', 'link', 'set', 'dev', hostLink.name, OFF[onNode.mode], 'off'),
        ),
      ],
    };
  const inPod = link?.xdp ?? null;
  if (link === null || inPod === null || pod.annotations[ANNOTATED] !== undefined) return null;
  // The program may be the pod's own.
  if (pod.containers.some(mayChangeNetwork) || AGENT_PROGRAMS.test(inPod.name ?? '')) return null;
  return {
    detail:
      `${link.name} of the pod has ${programOf(inPod)}, which sees all that is sent to the pod; no ` +
      'container of the pod may load one.',
    confidence: 'probable',
    evidence: [xdpRow(link.name, inPod, `netns ${namespace}`)],
    remedy: [...recreatePod(pod)],
  };
}

const programOf = ({ name }: Xdp): string => `an XDP program${name === null ? '' : ` (${quote(name, 20)})`}`;

const xdpRow = (link: string, xdp: Xdp, where: string): Comparison => ({
  what: `XDP program of ${link}`,
  expected: 'none',
  actual: `${programOf(xdp)}, ${xdp.mode}`,
  source: `ip -d link show dev ${link} (${where})`,
});
