/** What to type first, as a list of commands that lead to their cards. */
import { xmlText as text } from '../escape.ts';
import type { FirstCommands } from '../first-commands.ts';
import { whatOf } from '../group.ts';
import { plural } from '../summary.ts';
import { commandBox } from './command-box.ts';
import { anchor } from './finding.ts';

export function firstList({ commands, others }: FirstCommands): string {
  const items = commands.map(
    ({ group, command, more, where, effect }) =>
      `<li><span><a href="#${anchor(group.lead)}">${text(group.lead.title)}</a> ` +
      `<span class="muted"><bdi>${text(whatOf(group), 300)}</bdi></span></span>` +
      `<div>${commandBox([command])}<span class="muted">${where === null ? '' : `Run it ${text(where)}. `}It ${text(effect)}.` +
      `${more === 0 ? '' : ` ${plural(more, 'more object')} of the card ${more === 1 ? 'has' : 'have'} the fault.`}</span></div></li>`,
  );
  const read =
    others === 0
      ? ''
      : ` ${plural(others, 'more', 'more')} of them need${others === 1 ? 's' : ''} reading first.`;
  return `<p class="muted">The first command of each critical finding, least harm first; their cards have the other steps.${read}</p>
<ol class="first panel">${items.join('\n')}</ol>
`;
}
