import { keyOf, lost } from '../../computed/pods/pod-links.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import type { LinkCounters, PodLink } from '../../model/pod-links.ts';
import { defineClusterCheck, fail, notApplicable, type Outcome, pass, podObject } from '../define.ts';
import { command, look, lookOnNode, repair } from '../remedies/steps.ts';

/** Creating a link, or a short burst, may lose this many. */
const FEW = 100;
/** A loss of one in a thousand halves TCP throughput over distances within a cluster (Mathis et al. 1997). */
const NOTICED = 0.001;
const SEVERE = 0.01;
/** Twice down and up. */
const FLAPS = 4;

/**
 * Intermittent loss: everything looks right whenever somebody looks. The kernel's counters remember, and the
 * latest report has their earlier values.
 */
export const podLinkLosing = defineClusterCheck({
  id: 'pod-link-losing',
  topic: 'interfaces',
  severity: 'medium',
  title: "The pod's link lost nothing since the last audit",
  failureTitle: "Pod's link loses packets or its carrier",
  why:
    'Requests are slow or time out now and then, because lost packets have to be sent again. Nothing ' +
    'restarts, everything looks right, and each test seems to work.',
  run({ podLinks, earlierPodLinks }, { now }) {
    const earlier = new Map((earlierPodLinks?.links ?? []).map((link) => [keyOf(link), link]));
    return podLinks.map((link) => {
      const object = podObject(link.pod, link.node);
      const before = earlier.get(keyOf(link));
      if (earlierPodLinks === null || before === undefined)
        return notApplicable(object, 'the last audit has no counters of this link');
      const since = sinceThen(link, before);
      if (since === null) return notApplicable(object, 'its counters were reset since the last audit');
      return judge(since, now - Date.parse(earlierPodLinks.at));
    });
  },
});

/** The increase since the latest report; null if a counter went back, which means that it is another link. */
function sinceThen(link: PodLink, before: PodLink): PodLink | null {
  const podEnd = difference(link.podEnd, before.podEnd);
  const both = link.hostEnd !== null && before.hostEnd !== null && link.hostLink === before.hostLink;
  const hostEnd = both && link.hostEnd && before.hostEnd ? difference(link.hostEnd, before.hostEnd) : null;
  if (podEnd === null || (both && hostEnd === null)) return null;
  return { ...link, podEnd, hostEnd, hostLink: hostEnd === null ? null : link.hostLink };
}

function difference(now: LinkCounters, before: LinkCounters): LinkCounters | null {
  const since = Object.fromEntries(
    (Object.keys(now) as (keyof LinkCounters)[]).map((name) => [name, now[name] - before[name]]),
  ) as LinkCounters;
  return Object.values(since).some((count) => count < 0) ? null : since;
}

type Loss = { readonly way: string; readonly lost: number; readonly share: number; readonly of: number };

/** Packets lost in one direction: not sent by one end, or not accepted by the other. */
function lossOf(way: string, sender: LinkCounters | null, receiver: LinkCounters | null): Loss {
  const gone = (sender === null ? 0 : lost(sender, 'out')) + (receiver === null ? 0 : lost(receiver, 'in'));
  const of = gone + Math.max(sender?.outPackets ?? 0, receiver?.inPackets ?? 0);
  return { way, lost: gone, of, share: of === 0 ? 0 : gone / of };
}

function judge(since: PodLink, milliseconds: number): Outcome {
  const { node, pod, link, podEnd, hostLink, hostEnd } = since;
  const object = podObject(pod, node);
  const losses = [lossOf('to', hostEnd, podEnd), lossOf('from', podEnd, hostEnd)].filter(
    (loss) => loss.lost >= FEW && loss.share >= NOTICED,
  );
  const changes = Math.max(podEnd.carrierChanges, hostEnd?.carrierChanges ?? 0);
  const flaps = changes >= FLAPS;
  if (losses.length === 0 && !flaps) return pass(object);
  const found = [
    ...losses.map(
      ({ way, lost: count, of, share }) =>
        `${count} of ${of} packets ${way} the pod were lost (${percent(share)})`,
    ),
    ...(flaps ? [`the carrier went away or came back ${changes} times`] : []),
  ];
  return fail(object, {
    detail:
      `At the link of the pod (${link}${hostLink === null ? '' : `, ${hostLink} on the node`}) since the ` +
      `audit before, ${ago(milliseconds)} earlier: ${found.join('; ')}.`,
    confidence: 'confirmed',
    ...(losses.some(({ share }) => share >= SEVERE) || flaps ? { severity: 'high' as const } : {}),
    evidence: [
      ...rows(`${link} in the pod`, podEnd),
      ...(hostEnd === null ? [] : rows(`${hostLink} on the node`, hostEnd)),
    ],
    remedy: remedy(since, { lost: losses.length > 0, flaps }),
  });
}

/** Only values above zero. */
function rows(end: string, counters: LinkCounters): Comparison[] {
  const { inPackets, outPackets, inDropped, outDropped, inErrors, outErrors, carrierChanges } = counters;
  const counts = [
    ['came in, dropped', inDropped],
    ['came in, errors', inErrors],
    ['went out, dropped', outDropped],
    ['went out, errors', outErrors],
    ['changes of the carrier', carrierChanges],
  ] as const;
  return counts
    .filter(([, count]) => count > 0)
    .map(([what, count]) => ({
      what: `${end}: ${what}`,
      expected: '0 since the last audit',
      actual: `${count}, beside ${inPackets} packets in and ${outPackets} out`,
      source: `RTM_GETLINK (IFLA_STATS64), now and in the last report`,
    }));
}

function remedy(
  { node, pod, hostLink }: PodLink,
  found: { readonly lost: boolean; readonly flaps: boolean },
): RemedyStep[] {
  return [
    look(
      'See whether it goes on: the numbers of the pod, twice within a minute.',
      command('kubectl', 'exec', '-n', pod.namespace, pod.name, '--', 'cat', '/proc/net/dev'),
    ),
    ...(hostLink === null
      ? []
      : [
          lookOnNode(
            node,
            "look at the same for the node's end.",
            command('ip', '-s', '-s', 'link', 'show', 'dev', hostLink),
          ),
        ]),
    ...(found.lost
      ? [
          lookOnNode(
            node,
            'check whether a CPU has more packets than it can process: the second column of each row grows.',
            'cat /proc/net/softnet_stat',
          ),
          repair(
            'If it grows, raise net.core.netdev_max_backlog on the node, spread the packets (RPS) or give the ' +
              'node more CPU. If only packets of full size are lost, compare the MTUs of both ends. If the pod ' +
              'sends or gets more than before, find out why.',
          ),
        ]
      : []),
    ...(found.flaps
      ? [
          repair(
            'Find out who takes an end of the pair down and up: agents of the network on the node, and ' +
              'containers of the pod that may change its network; their logs have the times. Restart or mend that one.',
          ),
        ]
      : []),
  ];
}

const percent = (share: number) => `${Number((share * 100).toPrecision(2))} %`;

function ago(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
