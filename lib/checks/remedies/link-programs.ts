/** Filters and queues that nobody expects on a link: what they do, and how to remove them. */
import { DECIDING_PROGRAMS } from '../../model/cni-names.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import type { LinkProgram } from '../../model/network.ts';
import { quote } from '../../model/text.ts';
import { command, lookOnNode, repairOnNode } from './steps.ts';

/** Queues that lose or delay packets on purpose; nobody but tests and chaos tools sets them. */
const LOSING: readonly string[] = ['netem', 'blackhole'];

export function isLosing(queue: string): boolean {
  return LOSING.includes(queue);
}

/** What a filter sees, of packets that come in by the link or go out. */
export type Sees = Readonly<Record<'in' | 'out', string>>;

/**
 * Agents load eBPF programs, which have names; bandwidth limits use tbf, and filters that redirect to another link.
 * Where an agent's own program stands first, it decides about all packets, and no filter sees one.
 */
export function isUnexpected({ place, kind, classic, drops, behind }: LinkProgram): boolean {
  if (place === 'queue') return isLosing(kind) || drops !== null;
  return (classic || drops !== null) && !DECIDING_PROGRAMS.test(behind ?? '');
}

/** In a sentence. */
export function linkProgramInWords(
  { place, kind, priority, drops, classic }: LinkProgram,
  sees: Sees,
): string {
  if (place === 'queue') return `the queue ${quote(kind, 20)}, which delays or loses packets`;
  const from = sees[place];
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

/** A row of evidence. */
export function programRow(program: LinkProgram, expected: string, sees: Sees): Comparison {
  return {
    what: `${program.place === 'queue' ? 'queue' : 'filter'} of ${program.link}`,
    expected,
    actual: linkProgramInWords(program, sees),
    source: lookOf(program),
  };
}

/**
 * @param shown - how many of them get a command
 * @param effect - what it does to pods, such as `the pod keeps running`
 */
export function removePrograms(
  found: readonly LinkProgram[],
  shown: number,
  node: string,
  effect: string,
): RemedyStep[] {
  return [
    lookOnNode(
      node,
      'look at what is attached to the link; chaos tests and traffic tools also add such programs.',
      [...new Set(found.map(lookOf))].join('; '),
    ),
    ...found
      .slice(0, shown)
      .map((program) =>
        repairOnNode(
          node,
          `remove it; ${effect}. Have the program that created it remove it, or it returns.`,
          removalOf(program),
        ),
      ),
  ];
}
