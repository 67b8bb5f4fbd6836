/** The parts of a mail: each kind of news under its title, worst first. Pure. */
import { bySeverity, type Finding, objectName, type Severity, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport } from '../model/report.ts';
import {
  type AffectedPods,
  affectedPods,
  clipped,
  countOf,
  firstSentence,
  impactOf,
  minute,
  plural,
  shortName,
  widthOf,
  withoutDomain,
} from '../report/index.ts';
import type { Changes, Fresh, Reason } from './changes.ts';
import { MAIL_COLUMNS, type Section, wrap } from './mail.ts';
import type { ReportedFinding } from './record.ts';
import { commandOf, firstStep, lookFirst, repairAfterLooks } from './remedy.ts';
import { AUDIT } from './thresholds.ts';

/** In order of appearance. */
export const reasons: readonly (readonly [Reason, title: string, short: string])[] = [
  ['new', 'New:', 'new'],
  ['back', 'Came back:', 'came back'],
  ['worse', 'Worse than last reported:', 'worse'],
  ['notExcepted', 'No longer excepted:', 'no longer excepted'],
  ['untold', 'Open, and not reported before:', 'not reported before'],
  ['flapping', 'Comes and goes (reported again once stable for a week):', 'flapping'],
];

/**
 * The parts of a mail in order: missed audits, thresholds, findings by kind of news.
 * @param why - why each check matters
 */
export function sectionsOf(
  report: ClusterReport,
  changes: Changes,
  why: ReadonlyMap<string, string>,
): Section[] {
  const { fresh, resolved, steady, crossed, back, reminder, thresholdReminder } = changes;
  const together = affectedPods(report.findings);
  const explained = Map.groupBy(report.findings, ({ partOf }) => partOf);
  const values = (title: string, list: Changes['crossed'], audit = false): Section => ({
    title,
    entries: list
      .filter(({ key }) => (key === AUDIT) === audit)
      .map(({ text, advice }) => {
        const [line = '', ...more] = indented(printable(text, 300), '  ');
        return { line, more: [...more, ...(advice === null ? [] : indented(printable(advice, 300)))] };
      }),
  });
  const open = (title: string, findings: readonly Finding[]): Section => ({
    title,
    entries: folded(
      findings.toSorted((a, b) => bySeverity(a, b) || (a.firstSeen < b.firstSeen ? -1 : 1)),
    ).map((set) => ({
      line: line(set, `  ${set[0].firstSeen.slice(0, 10)} `),
      more: set.length === 1 ? [] : named(set),
    })),
  });
  return [
    values('Not audited:', crossed, true),
    ...reasons.map(([reason, title]): Section => {
      const chosen = fresh.filter((each) => each.reason === reason);
      const byFingerprint = new Map(chosen.map((each) => [each.finding.fingerprint, each]));
      const findings = chosen.map(({ finding }) => finding);
      return {
        title:
          reason === 'new' && report.previous !== undefined
            ? `New, not counted by the audit of ${minute(report.previous.startedAt)}:`
            : title,
        entries: foldedWorstFirst(findings).map((set) =>
          inFull(
            set,
            set.flatMap(({ fingerprint }) => explained.get(fingerprint) ?? []),
            byFingerprint.get(set[0].fingerprint),
            { effect: firstSentence(why.get(set[0].check)), together },
          ),
        ),
      };
    }),
    values('Thresholds crossed:', crossed),
    { title: 'Resolved:', entries: resolvedEntries(resolved) },
    {
      title: 'Reported for the cluster before, and ended with it:',
      entries: folded((changes.replaced ?? []).toSorted(bySeverity)).map((set) => ({
        line: line(set),
        more: [],
      })),
    },
    open('Came and went, and has now stayed for a week (first seen):', steady),
    values('Audited again:', back, true),
    values('Back to normal:', back),
    values('Still not audited:', thresholdReminder, true),
    open('Still open (first seen):', reminder),
    values('Thresholds still crossed:', thresholdReminder),
  ].filter(({ entries }) => entries.length > 0);
}

/** The finding, its evidence, and the repair command if it fits: half a command helps nobody. */
function inFull(
  [lead, ...alike]: Alike<Finding>,
  children: readonly Finding[],
  fresh: Fresh | undefined,
  { effect, together }: { readonly effect: string | null; readonly together: AffectedPods },
): Section['entries'][number] {
  const was = fresh?.reason === 'worse' ? fresh.was : null;
  const checks = [...new Set(children.map(({ check }) => check))];
  const repair = repairLines(lead);
  const impact = impactOf([lead, ...alike], together);
  const then = was === null ? '' : ` (was ${was})`;
  const since = history(lead, fresh?.exception ?? null);
  const others =
    repair.length === 0 || alike.length === 0 ? [] : ['    and the same for each of the others.'];
  // A cloud's domain is in the report, and in the step that needs it.
  const whole = printable(objectName(lead.object, withoutDomain), 300);
  const name = line([lead, ...alike], '  ', then);
  return {
    line: name,
    more: [
      ...(alike.length === 0
        ? // What does not fit the line, such as the node of a long path.
          !name.includes(whole)
          ? indented(printable(objectName(lead.object), 300))
          : []
        : named([lead, ...alike])),
      ...since,
      ...indented(printable(lead.detail, 200)),
      ...(effect === null ? [] : indented(`Why it matters: ${effect}`)),
      ...(impact === null ? [] : indented(printable(impact, 300))),
      ...(children.length === 0
        ? []
        : indented(`Explains ${plural(children.length, 'more finding')}: ${checks.slice(0, 3).join(', ')}.`)),
      ...repair,
      ...others,
    ],
    short: [...indented(`${printable(lead.title, 100)}.`), ...since, ...repair, ...others],
  };
}

/** The first command if it fits, otherwise the step in words: the person who wakes up needs the next step. */
function repairLines(finding: Finding): string[] {
  const found = commandOf(finding);
  const lines = found === null ? [] : commandLines(found.command);
  if (found !== null && lines.length > 0)
    return [...(found.where === null ? [] : indented(found.where)), ...lines];
  const after = repairAfterLooks(finding);
  const look = after === null ? null : lookFirst(finding);
  const looking = look === null ? [] : commandLines(look.command);
  if (after !== null && look !== null && looking.length > 0)
    return [...indented(`Check first: ${look.text}`), ...looking, ...indented(`Then: ${after}`)];
  const step = after ?? firstStep(finding);
  return step === null ? [] : indented(step);
}

/** Since when, how often, and who set the exception. */
function history(finding: Finding, exception: Fresh['exception']): string[] {
  const { firstSeen, lastSeen, flaps } = finding;
  if (firstSeen === lastSeen && exception === null) return [];
  const back = flaps === 0 ? '' : `; came back ${flaps === 1 ? 'once' : `${flaps} times`}`;
  const until =
    exception === null
      ? ''
      : ` Excepted by ${printable(exception.owner, 100)} until ${printable(exception.expires, 20)}.`;
  return indented(`First seen ${minute(firstSeen)}${back}.${until}`);
}

/** Wraps a long command where a shell continues it. Omits one with quotes: they may hold spaces. */
function commandLines(command: string): string[] {
  const room = MAIL_COLUMNS - '    $  \\'.length;
  if (command.length <= room + 2) return [`    $ ${command}`];
  const lines = wrap(command, room - 2);
  const isWhole = lines.join(' ') === command;
  if (/['"\\`$]/.test(command) || !isWhole || lines.length > 3) return [];
  return lines.map(
    (part, index) => `    ${index === 0 ? '$' : ' '} ${part}${index < lines.length - 1 ? ' \\' : ''}`,
  );
}

/** Names this many objects of the same fault; the rest is a number. */
const NAMED = 4;

/** The objects of one fault, with their node unless all share it. */
function named(set: readonly Placed[]): string[] {
  const isOneNode = nodesOf(set).size <= 1;
  const names = set.slice(0, NAMED).map(({ object }) => {
    const { node: _, ...elsewhere } = object;
    return shortName(isOneNode ? elsewhere : object, MAIL_COLUMNS - 4);
  });
  const rest = set.length - names.length;
  return indented(`${names.join(', ')}${rest > 0 ? ` and ${plural(rest, 'more', 'more')}` : ''}`);
}

function resolvedEntries(resolved: Changes['resolved']): Section['entries'] {
  return folded(resolved.toSorted(bySeverity)).map((set) => ({
    line: line(set),
    more: set.length === 1 ? indented(`${set[0].how}.`) : named(set),
  }));
}

/** One or more findings of the same fault. */
export type Alike<T> = readonly [T, ...T[]];
type Placed = Pick<ReportedFinding, 'severity' | 'check' | 'object'>;

/** Groups findings of the same check, severity and kind of object, in the order of each group's first. */
function folded<T extends Placed>(findings: readonly T[]): Alike<T>[] {
  const sets = Map.groupBy(findings, ({ check, severity, object }) => `${check}|${severity}|${object.kind}`);
  return [...sets.values()].flatMap((set): Alike<T>[] => {
    const [first, ...others] = set;
    return first === undefined ? [] : [[first, ...others]];
  });
}

/** A finding of a node or of the cluster stands for many pods. */
const OF_MANY = 20;

/** The same, worst first, and among equals what affects most. */
export function foldedWorstFirst<T extends Placed>(findings: readonly T[]): Alike<T>[] {
  const reach = ([{ object }, ...others]: Alike<T>): number =>
    (others.length + 1) * (object.kind === 'node' || object.kind === 'cluster' ? OF_MANY : 1);
  return folded(findings).toSorted((a, b) => bySeverity(a[0], b[0]) || reach(b) - reach(a));
}

/** `3 new (1 critical, 2 high)`, `2 still open (high)`: of one severity, its number is not said again. */
export function countedAs(findings: readonly { readonly severity: Severity }[], word: string): string {
  const [first] = findings;
  const isOne = findings.every(({ severity }) => severity === first?.severity);
  return `${findings.length.toLocaleString('en-US')} ${word} (${isOne ? first?.severity : countsOf(findings)})`;
}

/** How many findings of each severity, worst first: `2 critical, 1 high`. */
export function countsOf(findings: readonly { readonly severity: Severity }[]): string {
  return severities
    .map(
      (severity) => [findings.filter((finding) => finding.severity === severity).length, severity] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${count} ${severity}`)
    .join(', ');
}

/** One fault in one line; a name that does not fit loses its node, then its namespace. */
function line(set: Alike<Placed>, before = '  ', after = ''): string {
  const [{ severity, check, object }] = set;
  const head = `${before}${severity} ${check} `;
  const room = MAIL_COLUMNS - widthOf(head) - widthOf(after);
  const name = set.length === 1 && room >= LEAST ? shortName(object, room) : objectsOf(set);
  return clipped(`${head}${name}${after}`, MAIL_COLUMNS);
}

/** Columns below which a name is no longer worth shortening. */
const LEAST = 12;

/** `shop/web-1 on node-1` for one, `12 pods on 3 nodes` for more. */
export function objectsOf(set: Alike<Placed>): string {
  const [{ object }, ...others] = set;
  if (others.length === 0) return printable(objectName(object), 300);
  return countOf(set, (node) => printable(node, 100));
}

function nodesOf(set: readonly Placed[]): ReadonlySet<string> {
  return new Set(set.flatMap(({ object }) => object.node ?? []));
}

function indented(text: string, indent = '    '): string[] {
  return wrap(text, MAIL_COLUMNS - indent.length).map((each) => `${indent}${each}`);
}
