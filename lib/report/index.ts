/** Writers: a report in, text out. */
import type { ClusterReport } from '../model/report.ts';
import { jsonText } from './escape.ts';
import type { Format } from './formats.ts';
import { type PageOptions, writeHtml } from './html/page.ts';
import { writeJunit } from './junit.ts';
import { writeMarkdown } from './markdown.ts';
import { rows } from './ndjson.ts';
import { writePrometheus } from './prometheus.ts';
import { writeText } from './text.ts';
import type { TextOptions } from './text-style.ts';

export { csvText, jsonText } from './escape.ts';
export { type Format, formats } from './formats.ts';
export { countOf, shortName, withoutDomain } from './group.ts';
export { type Fleet, type FleetRow, fleetPage, worstClusterFirst } from './html/fleet.ts';
export type { Night } from './html/nights.ts';
export { type PageOptions, writeHtml } from './html/page.ts';
export { type AffectedPods, affectedPods, firstSentence, impactOf, impactOfAll } from './impact.ts';
export { eachRow, rows } from './ndjson.ts';
export { openSince, STILL_OPEN } from './states.ts';
export { coverageLine, minute, plural } from './summary.ts';
export { table } from './table.ts';
export { clipped, padded, widthOf, wrapped } from './width.ts';

export type WriteOptions = TextOptions & PageOptions;

/** A report in the requested format, ending in a line break. */
export function write(report: ClusterReport, format: Format, options: WriteOptions): string {
  switch (format) {
    case 'text':
      return writeText(report, options);
    case 'json':
      return `${jsonText(report, 2)}\n`;
    case 'ndjson':
      return rows(report, 'findings');
    case 'markdown':
      return writeMarkdown(report);
    case 'html':
      return writeHtml(report, options);
    case 'junit':
      return writeJunit(report);
    case 'prometheus':
      return writePrometheus(report);
  }
}
