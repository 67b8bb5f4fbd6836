/** Whatever a node says, its text is only ever shown: random text in every writer, table and message. */
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { describe, expect, it } from 'vitest';
import { writeAnswer } from '../../bin/query-text.ts';
import { diffText, fleetText, listText, trendText } from '../../bin/reports-text.ts';
import { changesOf, clusterMessage, digestOf, type Message } from '../../lib/alert/index.ts';
import { diff } from '../../lib/history/index.ts';
import { settingsSchema } from '../../lib/model/config.ts';
import { formats } from '../../lib/report/formats.ts';
import { fleetPage, write } from '../../lib/report/index.ts';
import { aFinding, aHostileReport, aReport } from './sample.ts';

const options = {
  colour: false,
  width: 80,
  why: new Map([['pod-interface-missing', 'because']]),
  verbose: true,
};

/** Pieces that have a meaning somewhere, among any characters, including lone surrogates. */
const hostileText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b[2J\u001b]0;owned\u0007',
        '\u009b31m',
        '\r\nFORGED: healthy\n',
        '\u2028FORGED\u2029',
        '\u202egnp.exe\u2066',
        '\u200b\u2060\ufeff\u{e0041}',
        '\u0000',
        '\ud800',
        '\udc00',
        '\uffff',
        '\u3164\u115f\u034f',
        'e\u0301\u0301\u0301\u0301\u0301\u0301',
        '网络命名空间',
        '<script>alert(1)</script>',
        `"'><img src=x onerror=alert(1)>`,
        '</title></style>]]><!--',
        '&lt;&#60;&',
        '|`*_[x](javascript:alert(1))![](http://x)',
        '    $ rm -rf /',
        '@everyone <!channel> ',
        ' https://evil.example www.evil.example #123 user/repo#1 ',
        '"} 1\n# TYPE x gauge\nx 1\n',
        '=HYPERLINK("http://x")',
        '\\" \\n \\',
        'A'.repeat(10_000),
        ' ',
      ),
      fc.string({ unit: 'binary' }),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

/**
 * Characters that a terminal obeys, reverses or cannot show. Lone surrogates are not included, as they cannot
 * be written.
 */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|\u115f|\u3164|\u034f|\p{M}{4}/u;

function expectOnlyText(text: string): void {
  const lines = text.split('\n');
  for (const line of lines) {
    expect(OBEYED.exec(line)?.[0]).toBeUndefined();
    expect(line.startsWith('FORGED')).toBe(false);
  }
}

function holds(property: (text: string) => void): void {
  fc.assert(fc.property(hostileText, property), { numRuns: 60 });
}

describe('whatever a node says', { timeout: 60_000 }, () => {
  // Every format except those for programs: a new one is tried automatically.
  it.each(formats.filter((format) => format !== 'json' && format !== 'ndjson'))(
    'is only text in %s',
    (format) => {
      holds((text) => expectOnlyText(write(aHostileReport(text), format, options)));
    },
  );

  it.each(['json', 'ndjson'] as const)(
    'is the same value in %s, and nothing that a terminal obeys',
    (format) => {
      holds((text) => {
        const report = aHostileReport(text);
        const written = write(report, format, options);
        expectOnlyText(written);
        const read =
          format === 'json' ? JSON.parse(written).findings[0] : JSON.parse(written.split('\n')[0] ?? '');
        // What the tool can repair is in no row.
        const { repair: _, ...finding } = report.findings[0] ?? aFinding();
        expect(read).toMatchObject(JSON.parse(JSON.stringify(finding)));
      });
    },
  );

  it('makes no element and no attribute of a page', () => {
    // Text between tags and in values of attributes is left out.
    const tags = (html: string) =>
      (html.match(/<[^>]*>/g) ?? []).map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
    const harmless = tags(write(aHostileReport('x'), 'html', options));
    holds((text) => {
      if (text === '') return;
      expect(tags(write(aHostileReport(text), 'html', options))).toEqual(harmless);
    });
  });

  it('leaves JUnit well-formed', () => {
    holds((text) => {
      XmlDocument.fromString(write(aHostileReport(text), 'junit', options)).dispose();
    });
  });

  it('makes no markup and no mention in Markdown', () => {
    holds((text) => {
      const written = write(aHostileReport(text), 'markdown', options);
      for (const line of written.split('\n')) {
        if (line.startsWith('    ') || line.includes('; run `')) continue;
        expect(/<|@(?!&#8203;)|:\/\/|www\.|(?<!\\)[`*_[\]!]/i.exec(line)?.[0]).toBeUndefined();
        // A table's rows have as many cells as its header.
        if (line.startsWith('| ')) expect(line.match(/(?<!\\)\|/g)?.length).toBeLessThanOrEqual(5);
      }
    });
  });

  it('is only text in the tables of earlier reports', () => {
    holds((text) => {
      const report = aHostileReport(text);
      const counts = { critical: 1, high: 0, medium: 0, low: 0 };
      const nodes = { audited: 1, partial: 0, failed: 0, skipped: 0 };
      const run = { ...report, cluster: text, findings: counts, nodes, new: 0, resolved: 0 };
      const row = {
        ...run,
        note: text,
        href: text,
        nights: [{ day: text, verdict: run.verdict, href: text }],
        orphans: [1, 2],
      };
      for (const width of [undefined, 80]) {
        expectOnlyText(listText([run], width));
        expectOnlyText(fleetText({ at: '', runId: '', rows: [row], gaps: [] }, { ascii: true, width }));
        expectOnlyText(trendText('t', [{ name: text, values: [1] }], { ascii: true, limit: 9, width }));
        expectOnlyText(writeAnswer({ columns: [text], rows: [[text], [{ text }]] }, 'text', width));
      }
      expectOnlyText(diffText(diff(aReport(), report)) + diffText(diff(report, aReport())));
      for (const format of ['json', 'ndjson'] as const)
        expectOnlyText(writeAnswer({ columns: [text], rows: [[text]] }, format));
      expectOnlyText(writeAnswer({ columns: [text], rows: [[text]] }, 'csv').replaceAll('\r\n', '\n'));
      expectOnlyText(
        fleetPage({
          at: report.startedAt,
          runId: report.runId,
          rows: [row],
          gaps: [{ place: text, reason: text, remedy: text }],
        }),
      );
    });
  });

  const { thresholds } = settingsSchema.parse({});
  const links = { page: 'https://console', command: 'netns-audit reports list' };
  const expectMessage = ({ subject, text, json, chat, attributes }: Message): void => {
    expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expectOnlyText(text);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
    expectOnlyText(JSON.stringify(JSON.parse(json)).replaceAll(/\\u[0-9a-f]{4}/g, ''));
    const { content } = JSON.parse(chat);
    expectOnlyText(content.description);
    expect(content.description).not.toMatch(/[<@]/);
    for (const step of content.nextSteps)
      expect(step).toMatch(/^([^`<>@]*`[^`<>]*`|<https:\/\/console\|[^<>]*>)$/);
    expectOnlyText(attributes.cluster);
  };

  it('is only text in a mail, its subject, a chat and JSON, within their limits', () => {
    holds((text) => {
      const report = aHostileReport(text);
      // A mail begins with the name from the configuration; its lines are broken at spaces.
      report.cluster.name = `prod-${text.replaceAll(/\s/g, '')}`;
      expectMessage(clusterMessage(report, changesOf(report, null, thresholds), links));
    });
  });

  it('is only text in a digest', () => {
    holds((text) => {
      const clusters = [{ cluster: text, lost: true, reason: text } as const];
      expectMessage(digestOf({ runId: '20260102T030405Z-0a1b2c3d', clusters }, links));
    });
  });
});
