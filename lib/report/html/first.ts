/** What to type first, as a list of commands that lead to their cards. */
import { xmlText as text } from '../escape.ts';
import type { FirstCommand } from '../first-commands.ts';
import { whatOf } from '../group.ts';
import { plural } from '../summary.ts';
import { commandBox } from './command-box.ts';
import { anchor } from './finding.ts';

export function firstList(commands: readonly FirstCommand[]): string {
  const items = commands.map(
    ({ group, command, more, where, effect }) =>
      `<li><span><a href="#${anchor(group.lead)}">${text(group.lead.title)}</a> ` +
      `<span class="muted"><bdi>${text(whatOf(group), 300)}</bdi></span></span>` +
      `<div>${commandBox([command])}<span class="muted">${where === null ? '' : `Run it ${text(where)}. `}It ${text(effect)}.` +
      `${more === 0 ? '' : ` The card has ${plural(more, 'more command')} like it.`}</span></div></li>`,
  );
  return `<p class="muted">The first command for each critical finding, least harm first. Each card has the other steps.</p>
<ol class="first panel">${items.join('\n')}</ol>
`;
}
