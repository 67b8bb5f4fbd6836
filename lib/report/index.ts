/** Writers: a report in, text out. */
import type { ClusterReport } from '../model/report.ts';
import { writeMarkdown } from './markdown.ts';
import { rows } from './ndjson.ts';
import { type TextOptions, writeText } from './text.ts';

export { printable } from './escape.ts';
export { rows } from './ndjson.ts';

export const formats = ['text', 'json', 'ndjson', 'markdown'] as const;
export type Format = (typeof formats)[number];

/** A report in the format that was asked for, ending in a line break. */
export function write(report: ClusterReport, format: Format, options: TextOptions): string {
  switch (format) {
    case 'text':
      return writeText(report, options);
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'ndjson':
      return rows(report, 'findings');
    case 'markdown':
      return writeMarkdown(report);
  }
}
