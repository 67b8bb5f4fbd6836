/** The list of commands at the end of the text report. */
import { printable } from '../model/printable.ts';
import type { FirstCommand } from './first-commands.ts';
import { plural } from './summary.ts';
import type { TextOptions } from './text-style.ts';
import { hanging } from './width.ts';

/** Commands to list. */
const TYPED = 8;
const title = 'What to type first for each critical finding, least harm first:';

/** One line for each critical entry. What it says of a command is before it: some shells know no comments. */
export function toTypeFirst(commands: readonly FirstCommand[], options: TextOptions): string[] {
  if (commands.length === 0) return [];
  const rest = commands.length - TYPED;
  return [
    ...hanging(title.split(' '), options.width, ['', '  ']),
    ...commands.slice(0, TYPED).map(({ group: { lead }, command, more, where, effect }) => {
      const notes = [
        effect,
        ...(where === null ? [] : [where]),
        ...(more === 0 ? [] : [`${plural(more, 'more', 'more')} like it`]),
      ];
      return `  ${printable(lead.check)} (${printable(notes.join(', '), 500)}):  $ ${printable(command, 4000)}`;
    }),
    ...(rest > 0 ? [`  and ${rest} more, above`] : []),
  ];
}
