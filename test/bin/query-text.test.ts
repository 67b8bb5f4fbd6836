import { describe, expect, it } from 'vitest';
import { writeAnswer } from '../../bin/query-text.ts';
import { hostile } from '../report/sample.ts';

const answer = {
  columns: ['node', 'orphans', 'object'],
  rows: [
    ['node-1', 12, { kind: 'pod' }],
    ['say "hi", all', -3, null],
  ],
};

describe('what SQL gives', () => {
  it('is a table for people', () => {
    expect(writeAnswer(answer, 'text')).toBe(
      'node           orphans  object\nnode-1         12       {"kind":"pod"}\nsay "hi", all  -3\n',
    );
    expect(writeAnswer({ columns: ['node'], rows: [] }, 'text')).toBe('node\nNo rows.\n');
  });

  it('is cut for people, and says so', () => {
    const rows = Array.from({ length: 1200 }, (_, n) => [n]);
    expect(writeAnswer({ columns: ['n'], rows }, 'text')).toMatch(
      /and 200 more rows: -o csv has them all\n$/,
    );
    expect(writeAnswer({ columns: ['n'], rows }, 'csv').split('\r\n')).toHaveLength(1202);
  });

  it('is JSON, a value a line or in a list, also where two columns have one name', () => {
    expect(JSON.parse(writeAnswer(answer, 'json'))[0]).toEqual({
      node: 'node-1',
      orphans: 12,
      object: { kind: 'pod' },
    });
    expect(writeAnswer({ columns: ['n', 'n'], rows: [[1, 2]] }, 'ndjson')).toBe('{"n":1,"n_2":2}\n');
    expect(JSON.parse(writeAnswer({ columns: ['n'], rows: [] }, 'json'))).toEqual([]);
  });

  it('is CSV as RFC 4180 has it', () => {
    expect(writeAnswer(answer, 'csv')).toBe(
      'node,orphans,object\r\nnode-1,12,"{""kind"":""pod""}"\r\n"say ""hi"", all",-3,\r\n',
    );
  });

  it('is no formula in a spreadsheet, and nothing that a terminal obeys, whatever a node said', () => {
    for (const formula of ['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)'])
      expect(writeAnswer({ columns: ['n'], rows: [[formula]] }, 'csv').split('\r\n')[1]).toMatch(/^"?'/);
    for (const format of ['text', 'csv'] as const) {
      const text = writeAnswer({ columns: [hostile], rows: [[hostile], [{ name: hostile }]] }, format);
      expect(text.replaceAll(/\r?\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(text.split('\n')).toHaveLength(4);
    }
  });
});
