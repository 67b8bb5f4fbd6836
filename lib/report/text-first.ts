/** The list of commands at the end of the text report. */
import { printable } from '../model/printable.ts';
import type { FirstCommands } from './first-commands.ts';
import { plural } from './summary.ts';
import type { TextOptions } from './text-style.ts';
import { hanging } from './width.ts';

/** Commands to list. */
const TYPED = 8;

/** One line for each critical entry. What it says of a command is before it: some shells know no comments. */
export function toTypeFirst({ commands, others }: FirstCommands, options: TextOptions): string[] {
  if (commands.length === 0) return [];
  const rest = commands.length - TYPED;
  const read = others === 0 ? '' : ` (read the ${plural(others, 'other entry', 'other entries')} first)`;
  const title = `What to type first for critical findings, least harm first${read}:`;
  return [
    ...hanging(title.split(' '), options.width, ['', '  ']),
    ...commands.slice(0, TYPED).map(({ group: { lead }, command, more, where, effect }) => {
      const notes = [
        effect,
        ...(where === null ? [] : [where]),
        ...(more === 0 ? [] : [`1 of ${plural(more + 1, 'object')}`]),
      ];
      return `  ${printable(lead.check)} (${printable(notes.join(', '), 500)}):  $ ${printable(command, 4000)}`;
    }),
    ...(rest > 0 ? [`  and ${rest} more, above`] : []),
  ];
}
