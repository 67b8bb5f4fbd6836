/** A table for a terminal. */
import { padded, widthOf } from './width.ts';

/**
 * Cells in columns; text from reports must already be printable. Columns that do not fit the terminal go
 * below the others, as a wrapped line is unreadable in a table.
 *
 * @param width - of the terminal; undefined if there is none, and each row is one line
 */
export function table(rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, column) => Math.max(most[column] ?? 0, widthOf(cell))),
    [],
  );
  const ends = widths.map((_, column) =>
    widths.slice(0, column + 1).reduce((sum, each) => sum + each + 2, -2),
  );
  const room = Math.max(1, ends.filter((end) => end <= width).length);
  const line = (row: readonly string[], from: number, to?: number): string =>
    row
      .slice(from, to)
      .map((cell, column) => padded(cell, widths[from + column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows
    .flatMap((row) => {
      const below = line(row, room);
      return below === '' ? [line(row, 0, room)] : [line(row, 0, room), `    ${below}`];
    })
    .map((each) => `${each}\n`)
    .join('');
}
