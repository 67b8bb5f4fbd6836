/** The layout of a mail: at most 60 lines of 72 columns, worst first, with a note of what it left out. Pure. */
import { clipped, plural, wrapped } from '../report/index.ts';

const LINES = 60;
export const MAIL_COLUMNS = 72;

export type Section = {
  readonly title: string;
  /** Worst first: the line that names the entry, and details if there is room. */
  readonly entries: readonly Entry[];
};

type Entry = {
  readonly line: string;
  readonly more: readonly string[];
  /** Instead of `more` where there is less room: what is broken, and what to type. */
  readonly short?: readonly string[];
};

const ALL = Number.POSITIVE_INFINITY;
/** How many entries of each section have all their details, and how many their short ones; from the most to none. */
const DETAILS = [
  ...[ALL, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((full) => ({ full, short: ALL })),
  ...[14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((short) => ({ full: 0, short })),
] as const;

/** @param end - links and commands: their lines are never cut */
export function mailOf(
  head: readonly string[],
  sections: readonly Section[],
  end: readonly string[],
): string {
  // Text from a node never starts a line.
  const opening = head.flatMap((text) =>
    wrap(text, MAIL_COLUMNS - 2).map((line, at) => (at === 0 ? line : `  ${line}`)),
  );
  const room = LINES - opening.length - end.length - 1;
  const body =
    DETAILS.map((details) =>
      bodyOf(
        sections,
        details,
        sections.map(({ entries }) => entries.length),
      ),
    ).find((lines) => lines.length <= room) ?? cutBody(sections, room);
  return `${[...opening, ...body, '', ...end].join('\n')}\n`;
}

/** One line each; drops lines from the longest section until all fits. */
function cutBody(sections: readonly Section[], room: number): string[] {
  // No more can fit than there are lines; stepping down from a hundred thousand would be slow.
  const shown = sections.map(({ entries }) => Math.min(entries.length, Math.max(1, room)));
  for (;;) {
    const lines = bodyOf(sections, { full: 0, short: 0 }, shown);
    const longest = shown.indexOf(Math.max(...shown));
    if (lines.length <= room || (shown[longest] ?? 0) <= 1) return lines.slice(0, room);
    shown[longest] = (shown[longest] ?? 0) - 1;
  }
}

function bodyOf(
  sections: readonly Section[],
  { full, short }: (typeof DETAILS)[number],
  shown: readonly number[],
): string[] {
  const linesOf = ({ line, more, short: brief = [] }: Entry, position: number): readonly string[] =>
    position < full ? [line, ...more] : position < short ? [line, ...brief] : [line];

  return sections.flatMap(({ title, entries }, index) => {
    const count = shown[index] ?? entries.length;
    const left = entries.length - count;
    return [
      '',
      title,
      ...entries.slice(0, count).flatMap(linesOf),
      ...(left > 0 ? [`  and ${plural(left, 'more', 'more')}, in the report`] : []),
    ];
  });
}

/** Printable ASCII of at most 99 characters, which SNS accepts everywhere. */
export function subjectOf(text: string): string {
  const ascii = text.normalize('NFKD').replaceAll(/[^\x20-\x7e]/g, '');
  return (ascii.length <= 99 ? ascii : `${ascii.slice(0, 96)}...`).trim() || 'netns-audit';
}

/** Wraps text at this many columns; cuts a longer word. */
export function wrap(text: string, columns = MAIL_COLUMNS): string[] {
  return wrapped(text.split(' '), columns).map((line) => clipped(line, columns));
}
