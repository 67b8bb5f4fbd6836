/** The page of a check (docs/checks) inside a report: it uses only headings, paragraphs, emphasis and commands. */
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
      return `<p>${inline(block.replaceAll('\n', ' '))}</p>`;
    })
    .join('\n');
}

function inline(paragraph: string): string {
  return paragraph
    .split(/(`[^`]+`)/)
    .map((part) =>
      part.startsWith('`')
        ? `<code>${text(part.slice(1, -1))}</code>`
        : text(part, 10_000)
            .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1')
            .replaceAll(/(?<!\w)\*([^*]+)\*/g, '<em>$1</em>'),
    )
    .join('');
}
