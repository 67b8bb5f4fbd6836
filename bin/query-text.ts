/** Results of SQL, for people and programs. Pure; node output is printed as text only. */
import type { QueryResult, Value } from '../lib/history/query.ts';
import { printable } from '../lib/model/printable.ts';
import { csvText, jsonText, table } from '../lib/report/index.ts';

/** Most rows in a table for people; formats for programs have all rows. */
const SHOWN = 1000;
const WIDEST = 120;

/** @param width - columns of the terminal; undefined where there is none */
export function writeAnswer(
  answer: QueryResult,
  format: 'text' | 'json' | 'ndjson' | 'csv',
  width?: number,
): string {
  const objects = (): string[] =>
    answer.rows.map((row) =>
      jsonText(Object.fromEntries(names(answer).map((name, column) => [name, row[column] ?? null]))),
    );
  switch (format) {
    case 'text':
      return textOf(answer, width);
    case 'json':
      return `[${objects()
        .map((row) => `\n  ${row}`)
        .join(',')}${answer.rows.length === 0 ? '' : '\n'}]\n`;
    case 'ndjson':
      return objects()
        .map((row) => `${row}\n`)
        .join('');
    case 'csv':
      return [answer.columns, ...answer.rows].map((row) => `${row.map(csvOf).join(',')}\r\n`).join('');
  }
}

/** Two columns with the same name would become one in an object. */
function names({ columns }: QueryResult): string[] {
  return columns.map((name, index) => {
    const before = columns.slice(0, index).filter((each) => each === name).length;
    return before === 0 ? name : `${name}_${before + 1}`;
  });
}

function textOf({ columns, rows }: QueryResult, width: number | undefined): string {
  const cell = (value: Value): string => printable(plain(value), WIDEST);
  const shown = rows.slice(0, SHOWN).map((row) => row.map(cell));
  const rest = rows.length - shown.length;
  return (
    `${table([columns.map(cell), ...shown], width)}${rows.length === 0 ? 'No rows.\n' : ''}` +
    `${rest > 0 ? `and ${rest} more rows: -o csv has them all\n` : ''}`
  );
}

function plain(value: Value): string {
  return value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function csvOf(value: Value): string {
  return typeof value === 'number' ? String(value) : csvText(plain(value));
}
