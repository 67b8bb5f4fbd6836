import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPage } from '../../lib/report/html/check-page.ts';

const pages = new URL('../../docs/checks/', import.meta.url);

describe('the page of a check in a report', () => {
  it('has lists, tables, emphasis and commands', () => {
    expect(
      checkPage(
        '# id\n\nSeverity: high · Topic: x\n\n## Evidence\n\nOne:\n\n- **Passed**: `ip a`\n  and more,\n- *two* <b>.\n\n' +
          '| answer | what |\n|---|---|\n| E | `rule` |\n\n    ip link\n    ip a\n',
      ).split('\n'),
    ).toEqual([
      '<h4>Evidence</h4>',
      '<p>One:</p>',
      '<ul><li><b>Passed</b>: <code>ip a</code> and more,</li><li><em>two</em> &lt;b&gt;.</li></ul>',
      '<table><thead><tr><th>answer</th><th>what</th></tr></thead><tbody><tr><td>E</td><td><code>rule</code></td></tr></tbody></table>',
      '<pre><code>ip link',
      'ip a</code></pre>',
    ]);
  });

  it.each(readdirSync(pages))('leaves no Markdown of %s', (file) => {
    const html = checkPage(readFileSync(new URL(file, pages), 'utf8'));
    const words = html.replaceAll(/<(pre|code)>[\s\S]*?<\/\1>/g, '');
    expect(words).not.toMatch(/\*\*|^\||^- |\]\(|`/m);
  });
});
