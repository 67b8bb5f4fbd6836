/** The page of a check (docs/checks) inside a report: it uses only headings, paragraphs, lists, tables, emphasis and commands. */
import { xmlText as text } from '../escape.ts';

/** @param markdown - our own text, escaped nevertheless */
export function checkPage(markdown: string): string {
  return markdown
    .split(/\n{2,}/)
    .map((block) => block.replace(/\n+$/, ''))
    .filter((block) => block !== '' && !/^# |^Severity: /.test(block))
    .map((block) => {
      if (block.startsWith('## ')) return `<h4>${text(block.slice(3))}</h4>`;
      if (block.startsWith('    '))
        return `<pre><code>${block
          .split('\n')
          .map((line) => text(line.slice(4)))
          .join('\n')}</code></pre>`;
      if (block.startsWith('- ')) return list(block);
      if (block.startsWith('|')) return table(block);
      return `<p>${inline(block.replaceAll('\n', ' '))}</p>`;
    })
    .join('\n');
}

function list(block: string): string {
  const items = block.slice(2).split(/\n- /);
  return `<ul>${items.map((item) => `<li>${inline(item.replaceAll(/\s*\n\s*/g, ' '))}</li>`).join('')}</ul>`;
}

/** The second line only separates the heads from the rows. */
function table(block: string): string {
  const [heads = [], , ...rows] = block.split('\n').map((line) =>
    line
      .replaceAll(/^\||\|$/g, '')
      .split('|')
      .map((cell) => inline(cell.trim())),
  );
  const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${row(heads, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table>`;
}

function inline(paragraph: string): string {
  return paragraph
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`')
        ? `<code>${text(part.slice(1, -1))}</code>`
        : text(part, 10_000)
            .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
            .replaceAll(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
            .replaceAll(/(?<!\w)\*([^*]+)\*/g, '<em>$1</em>'),
    )
    .join('');
}
