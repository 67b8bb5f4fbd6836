/** What to type first when several faults are critical: one command for each, the least harmful first. Pure. */
import { isCounted } from '../model/finding.ts';
import { type Group, groups, stepsOf } from './group.ts';

/** What commands do to what runs, least harm first; the first that fits. */
const effects = [
  ['changes nothing', null],
  ['repairs in place', null],
  ['restarts a service', /\b(?:systemctl|snap) restart\b|\bkubectl\b.* rollout restart\b/],
  ['replaces a pod', /\bkubectl\b.* delete pods?\b|\bcrictl (?:rmp|stopp)\b/],
  [
    'empties or restarts the node',
    /\bkubectl\b.* (?:drain|delete node)\b|\breboot\b|\bterminate-instances\b/,
  ],
] as const;

export type FirstCommand = {
  readonly group: Group;
  readonly command: string;
  /** How many other objects of the group have a command like it. */
  readonly more: number;
  /** `on node node-1, as root`; null if the step does not say. */
  readonly where: string | null;
  /** `changes nothing`, with the number of the step if others come before it. */
  readonly effect: string;
};

/** Longer commands, and those of several lines, are left to their entry. */
const LONGEST = 400;

/** The first command of each critical entry. Empty where there are no two, as one entry says it itself. */
export function firstCommands(report: Parameters<typeof groups>[0]): readonly FirstCommand[] {
  const critical = groups(report).filter(({ lead }) => lead.severity === 'critical' && isCounted(lead));
  const found = critical.flatMap((group) => {
    const step = stepsOf(group).find(({ commands }) => commands.length > 0);
    const [first, ...others] = step?.commands ?? [];
    if (step === undefined || first === undefined || first.length > LONGEST || first.includes('\n'))
      return [];
    const harm =
      step.purpose === 'look'
        ? 0
        : Math.max(
            1,
            effects.findLastIndex(([, sign]) => sign?.test(first)),
          );
    const { remedy } = group.lead;
    const at = remedy.findIndex(({ command }) => command !== undefined) + 1;
    const where = /^On ((?:node|cluster|each of the nodes)[^:]{0,300}):/.exec(step.text)?.[1];
    return [
      {
        harm,
        group,
        command: first,
        more: others.length,
        where: where === undefined ? null : `on ${where}`,
        effect: `${effects[harm]?.[0]}${at > 1 ? ` (step ${at} of ${remedy.length})` : ''}`,
      },
    ];
  });
  return found.length < 2 ? [] : found.toSorted((a, b) => a.harm - b.harm);
}
