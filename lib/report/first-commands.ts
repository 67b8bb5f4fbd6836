/** What to type first when several faults are critical: one command for each, the least harmful first. Pure. */
import { isCounted, nodeOf } from '../model/finding.ts';
import { type Group, groups, membersOf } from './group.ts';

/** What commands of a repair do to what runs, least harm first; the first if none fits. */
const effects = [
  ['changes the node in place', null],
  ['keeps new pods away', /\bkubectl\b.* cordon\b/],
  ['restarts a service', /\b(?:systemctl|snap) restart\b|\bkubectl\b.* rollout restart\b|\bp?kill\b/],
  ['replaces a pod', /\bkubectl\b.* delete pods?\b|\bcrictl (?:rmp|stopp)\b/],
  [
    'empties or restarts the node',
    /\bkubectl\b.* (?:drain|delete node)\b|\breboot\b|\bterminate-instances\b/,
  ],
] as const;

type FirstCommand = {
  readonly group: Group;
  readonly command: string;
  /** How many other objects of the group need one too. */
  readonly more: number;
  /** `on node node-1, as root`; null if it may be run anywhere. */
  readonly where: string | null;
  /** `changes nothing, step 1 of 2` */
  readonly effect: string;
};

export type FirstCommands = {
  /** Least harm first. Empty if there is one critical entry, which says it itself. */
  readonly commands: readonly FirstCommand[];
  /** Critical entries without one: what is to be read or done first has no command, or the command is long. */
  readonly others: number;
};

/** Longer commands, and those of several lines, are left to their entry. */
const LONGEST = 400;
/** Commands that run anywhere. */
const ANYWHERE = /^(?:kubectl|aws|netns-audit) /;

/** The first command of each critical entry that the last audit saw. */
export function firstCommands(report: Parameters<typeof groups>[0]): FirstCommands {
  const critical = groups(report).filter(
    ({ lead }) => lead.severity === 'critical' && isCounted(lead) && !lead.notSeen,
  );
  const found = critical.flatMap((group) => {
    const { lead } = group;
    // Words before the first command are a condition of it: to find out who did it, to keep what a pod has on file.
    const [first] = lead.remedy;
    const command = first?.command;
    if (first === undefined || command === undefined) return [];
    if (command.length > LONGEST || command.includes('\n')) return [];
    const harm =
      first.purpose === 'look'
        ? -1
        : Math.max(
            0,
            effects.findLastIndex(([, is]) => is?.test(command)),
          );
    const effect = effects[harm]?.[0] ?? 'changes nothing';
    const steps = lead.remedy.length;
    const said = /\bOn ((?:node|cluster|each of the nodes)[^:]{0,300}):/.exec(first.text)?.[1];
    const where = said ?? (ANYWHERE.test(command) ? null : `node ${nodeOf(lead)}`);
    return [
      {
        harm,
        group,
        command,
        more: membersOf(group).filter(({ notSeen }) => !notSeen).length - 1,
        where: where === null ? null : `on ${where}`,
        effect: steps > 1 ? `${effect}, step 1 of ${steps}` : effect,
      },
    ];
  });
  if (critical.length < 2) return { commands: [], others: 0 };
  return { commands: found.toSorted((a, b) => a.harm - b.harm), others: critical.length - found.length };
}
