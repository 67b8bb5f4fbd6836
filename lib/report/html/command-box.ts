/** Commands in a box, with a button that copies them. */
import { xmlText as text } from '../escape.ts';
import { plural } from '../summary.ts';

/** Commands of a step that print on paper. */
const PRINTED = 3;
/** Most steps, and commands per step, that the page shows. */
export const COMMANDS = 1000;

export function commandBox(commands: readonly string[]): string {
  const lines = commands.slice(0, COMMANDS).map((each) => text(each, 4000));
  const more = lines.length - PRINTED;
  const code =
    more > 0
      ? `${lines.slice(0, PRINTED).join('\n')}\n<span class="more">${lines.slice(PRINTED).join('\n')}</span>`
      : lines.join('\n');
  return (
    '<div class="box"><button type="button" class="copy">' +
    `${lines.length > 1 ? `Copy all ${lines.length}` : 'Copy'}</button>` +
    `<pre tabindex="0" role="group" aria-label="Commands"><code>${code}</code></pre></div>` +
    `${more > 0 ? `<p class="paper">and ${more} more like these: the page on screen and <code>-o json</code> have them all</p>` : ''}` +
    `${commands.length > COMMANDS ? `<p>${plural(commands.length - COMMANDS, 'more command')} left out: <code>-o json</code> has them all.</p>` : ''}`
  );
}
