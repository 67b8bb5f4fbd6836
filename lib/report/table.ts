/** A table for a terminal. */
import { padded, widthOf } from './width.ts';

/**
 * Cells in columns; what comes from reports has to be printable already. Columns that a terminal has no room for stand
 * below the others, as no line that it breaks can be read as a table.
 *
 * @param width - of the terminal; undefined where there is none, and each row is one line
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
