/** One group of findings in the text report: what was found, on which objects, and what to do. */
import type { Finding } from '../model/finding.ts';
import { objectName } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import { command } from '../model/shell.ts';
import { repairByTool } from './by-tool.ts';
import { firstFound } from './first-found.ts';
import { type Group, membersOf, nodesOf, shortName, stepsOf, whatOf } from './group.ts';
import { type AffectedPods, firstSentence, impactOf } from './impact.ts';
import { datedStates } from './states.ts';
import { plural } from './summary.ts';
import { paint, type TextOptions } from './text-style.ts';
import { apart, hanging, indented, padded, widthOf } from './width.ts';

/** Objects of a group to show before the rest is counted. */
const OBJECTS = 4;
/** Commands of a step to show before the rest is counted. */
const COMMANDS = 2;
/** Compared values to show before the rest is counted. */
const PROOFS = 4;

/** Severity, check, objects and title of a group. */
export function groupHead(group: Group, options: TextOptions): string[] {
  const { lead } = group;
  const severity = paint(lead.severity, lead.severity.toUpperCase(), options);
  return [
    ...hanging(
      [`${severity}  ${paint('strong', lead.check, options)}`, ...apart(printable(whatOf(group), 400))],
      options.width,
      ['', '  '],
    ),
    ...indented(`${printable(lead.title)}${qualities(group)}`, options.width, '  '),
  ];
}

/**
 * @param runId - of the report, for the command that prints all repairs
 * @param together - pods of each workload that all findings affect
 */
export function groupLines(
  group: Group,
  { runId, together }: { readonly runId: string; readonly together: AffectedPods },
  options: TextOptions,
): string[] {
  const { lead, alike, symptoms } = group;
  const { width } = options;
  const out = groupHead(group, options);
  if (alike.length > 0) out.push(...objects(group, options));
  const impact = impactOf(membersOf(group), together);
  const began = firstFound(membersOf(group));
  const effect = firstSentence(options.why?.get(lead.check));
  const one = alike.length === 0 ? '' : `${name(lead)}: `;
  out.push(
    ...indented(`${one}${printable(lead.detail)}`, width, '  '),
    ...(effect === null ? [] : indented(`Why it matters: ${effect}`, width, '  ')),
    ...(impact === null ? [] : indented(printable(impact, 1000), width, '  ')),
    ...(began === null ? [] : indented(began, width, '  ')),
    ...(lead.notSeen
      ? indented('This audit did not check it, so it stays open until one does.', width, '  ')
      : []),
    ...proof(lead, options),
  );
  if (symptoms.length > 0) out.push(...indented(`explains: ${namesWithMore(symptoms, true)}`, width, '  '));
  return [...out, ...repair(group, runId, options)];
}

/** Facts about the finding beyond its own text. */
function qualities(group: Group): string {
  const { lead } = group;
  const words = [
    datedStates([lead]),
    ...(lead.confidence === 'confirmed' ? [] : [lead.confidence]),
    ...(lead.flapping ? [`flapping: came back ${plural(lead.flaps, 'time')}`] : []),
    ...(lead.notSeen ? ['not seen this time'] : []),
  ];
  return ` (${group.alike.length === 0 ? words.join(', ') : datedStates(membersOf(group))})`;
}

function objects(group: Group, options: TextOptions): string[] {
  const members = membersOf(group);
  const shown = options.details === true ? members : members.slice(0, OBJECTS);
  const states = shown.map(({ state, firstSeen, flapping, notSeen }) =>
    [
      datedStates([{ state, firstSeen }]),
      ...(flapping ? ['flapping'] : []),
      ...(notSeen ? ['not seen'] : []),
    ].join('  '),
  );
  const room = options.width - '      '.length - Math.max(...states.map(widthOf));
  const names = shown.map(({ object }) =>
    options.details === true ? printable(objectName(object), 400) : shortName(object, Math.max(30, room)),
  );
  const widest = names.reduce((most, each) => Math.max(most, widthOf(each)), 0);
  const lines = states.map((state, index) => `${padded(names[index] ?? '', widest)}  ${state}`);
  const rest = members.length - shown.length;
  return [...lines, ...(rest > 0 ? [`and ${rest.toLocaleString('en-US')} more`] : [])].map(
    (line) => `    ${line}`,
  );
}

/** The compared values. Values as expected prove nothing, unless there are no others. */
function proof({ evidence }: Finding, { width, details }: TextOptions): string[] {
  const differing = evidence.filter(({ expected, actual }) => expected !== actual);
  const all = differing.length > 0 ? differing : evidence;
  const shown = details === true ? all : all.slice(0, PROOFS);
  const rest = all.length - shown.length;
  const lines = shown.flatMap(({ what, expected, actual, source }) => {
    const compared =
      expected === undefined
        ? printable(actual, 300)
        : `expected ${printable(expected, 300)}, found ${printable(actual, 300)}`;
    // Keeps the source of a value in one piece, if it fits on a line.
    const where = `[${printable(source, 200)}]`;
    const words = [
      ...`${printable(what, 200)}: ${compared}`.split(' '),
      ...(widthOf(where) <= width - 6 ? [` ${where}`] : apart(where)),
    ];
    return hanging(words, width, ['    - ', '      ']);
  });
  return [...lines, ...(rest > 0 ? [`    - and ${plural(rest, 'more value')}: see --details`] : [])];
}

function repair(
  group: Group,
  runId: string,
  { width, store, details, remediateWith = [] }: TextOptions,
): string[] {
  let left = 0;
  const out = stepsOf(group).flatMap(({ text, commands }, index) => {
    // Steps that name their object are as many as the objects.
    if (index >= COMMANDS * Math.max(1, group.lead.remedy.length) && details !== true) {
      left += Math.max(1, commands.length);
      return [];
    }
    const shown = details === true ? commands : commands.slice(0, COMMANDS);
    left += commands.length - shown.length;
    return [...step(printable(text), width), ...shown.map((each) => `    $ ${printable(each, 4000)}`)];
  });
  const byTool = store === null ? null : repairByTool(group, runId);
  if (byTool !== null) {
    const { words, reboots, inPlace } = byTool;
    const mode = reboots ? '--rehearse' : '--apply';
    const what = reboots
      ? 'Or let netns-audit drain and reboot the node, one at a time. See first whether it would:'
      : `Or let netns-audit repair it${inPlace ? ' in place: no pod restarts' : ''}. It checks each object before and after:`;
    const typed = command(...words, ...remediateWith, ...inStore(store ?? undefined), mode);
    out.push(...step(what, width), `    $ ${printable(typed, 4000)}`);
  }
  if (left === 0) return out;
  if (store === null) return [...out, `    and ${plural(left, 'more command')} like these`];
  return [
    ...out,
    ...step(
      `${plural(left, 'more command')} like these. Get them all as a script, and read it first:`,
      width,
    ),
    `    $ ${printable(scriptOf(group, runId, store), 4000)}`,
  ];
}

/** What to do, above its commands. */
function step(text: string, width: number): string[] {
  return hanging(text.split(' '), width, ['  > ', '    ']);
}

function inStore(store: string | undefined): string[] {
  return store === undefined ? [] : ['--store', store];
}

/** Prints the commands of all findings of the group, except suppressed and pending ones. */
function scriptOf(group: Group, runId: string, store: string | undefined): string {
  const [node, another] = nodesOf(group);
  const show = command(
    ...['netns-audit', 'reports', 'show', runId, '--check', group.lead.check],
    ...(node === undefined || another !== undefined ? [] : ['--node', node]),
    ...inStore(store),
    ...['-o', 'json'],
  );
  const filter =
    '.findings[] | select(.state != "pending" and .suppressed == null) | .remedy[] | "# " + (.text | ' +
    'gsub("[\\r\\n]"; " ")), (.command // empty)';
  return `${show} | jq -r '${filter}'`;
}

/** Members to name before the rest is counted. */
const NAMED = 10;

/** `a, b and 3 more`. @param withCheck - puts its check before each */
export function namesWithMore(findings: readonly Finding[], withCheck = false): string {
  const names = findings
    .slice(0, NAMED)
    .map((finding) => (withCheck ? `${finding.check} ${name(finding)}` : name(finding)));
  return `${names.join(', ')}${findings.length > NAMED ? ` and ${findings.length - NAMED} more` : ''}`;
}

/** The object of a finding, printable, in at most 400 characters. */
export function name(finding: Finding): string {
  return printable(objectName(finding.object), 400);
}
