import type { LinkProgram } from '../../model/network.ts';
import { listed, quote, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 5;

/** A filter or a queue on the node's end of a pod's pair acts on the pod's packets before any firewall sees them (cilium#36172, #44194). */
export const linkProgramUnexpected = definePodCheck({
  id: 'link-program-unexpected',
  topic: 'path',
  severity: 'high',
  title: "Nothing on the pod's link drops or delays its packets",
  failureTitle: "Filter or queue on the pod's link that no network agent put there",
  why: 'It drops, delays or loses packets of the pod before any firewall and any counter sees them: no rule, no route and no log shows why.',
  needs: ['podNetworks', 'linkPrograms'],
  facts({ linkPrograms }) {
    const byLink = Map.groupBy(linkPrograms, ({ link }) => link);
    return { byLink };
  },
  judge(network, { byLink }, { node }) {
    const link = network.hostLink?.name ?? null;
    if (link === null) return "the node's end of the pod's pair could not be told";
    const found = (byLink.get(link) ?? []).filter(isUnexpected);
    const [first] = found;
    if (first === undefined) return 'pass';
    return {
      detail: `${link}, the node's end of the pod's link, has ${listed(found.map(described), SHOWN)}.`,
      confidence: found.some(({ drops }) => drops === 'all') ? 'confirmed' : 'probable',
      evidence: rowsOf(found, SHOWN, (program) => ({
        what: program.place === 'queue' ? `queue of ${link}` : `filter of ${link}`,
        expected: program.place === 'queue' ? 'noqueue, or the limit of a bandwidth plugin' : 'none',
        actual: described(program),
        source: lookOf(program),
      })),
      remedy: [
        lookOnNode(
          node,
          'see what stands on the link; tests of chaos and tools for traffic make such things as well.',
          [...new Set(found.map(lookOf))].join('; '),
        ),
        ...found
          .slice(0, SHOWN)
          .map((program) =>
            repairOnNode(
              node,
              'remove it; the pod keeps running. Have whoever made it take it back, or it returns.',
              removalOf(program),
            ),
          ),
      ],
    };
  },
});

/** Agents load eBPF programs, which have names; limits of bandwidth are tbf, and filters that lead to another link. */
function isUnexpected({ place, kind, classic, drops }: LinkProgram): boolean {
  return place === 'queue' ? kind === 'netem' || kind === 'blackhole' : classic || drops !== null;
}

function described({ place, kind, priority, drops, classic }: LinkProgram): string {
  if (place === 'queue') return `the queue ${quote(kind, 20)}, which delays or loses packets`;
  const from = place === 'in' ? 'the pod sends' : 'is sent to the pod';
  const does =
    drops === 'all'
      ? `drops all that ${from}`
      : drops === 'some' && !classic
        ? `drops some of what ${from}`
        : `may drop what ${from}`;
  return `a filter ${quote(kind, 20)}${classic ? ' (classic BPF)' : ''} of priority ${priority} that ${does}`;
}

function lookOf({ place, link }: LinkProgram): string {
  return place === 'queue'
    ? command('tc', 'qdisc', 'show', 'dev', link)
    : command('tc', 'filter', 'show', 'dev', link, place === 'in' ? 'ingress' : 'egress');
}

function removalOf({ place, link, priority }: LinkProgram): string {
  return place === 'queue'
    ? command('tc', 'qdisc', 'del', 'dev', link, 'root')
    : command(
        'tc',
        'filter',
        'del',
        'dev',
        link,
        place === 'in' ? 'ingress' : 'egress',
        'prio',
        String(priority),
      );
}
