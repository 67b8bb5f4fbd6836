/** Writes a run to the store: the report last, so that a report is complete or missing. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import {
  keys,
  LARGEST_OBJECT,
  pointToLatest,
  problemOf,
  type Run,
  reportOfRun,
  type Store,
} from '../history/index.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { type ClusterReport, reportSchema } from '../model/report.ts';
import { isRunId } from '../model/run-id.ts';
import { misfit, tables } from '../model/tables.ts';
import { eachRow, writeHtml } from '../report/index.ts';
import { type Neighbours, storedPageOptions } from './page-options.ts';

/**
 * Writes the run's results; existing objects stay. A partial run never becomes the latest, and nothing is
 * written that cannot be read back.
 *
 * @param neighbours - links on the run's page
 * @throws AuditError STORE
 */
export async function publish(
  store: Store,
  report: ClusterReport,
  neighbours: Neighbours = {},
): Promise<void> {
  const run = { cluster: report.cluster.name, runId: report.runId };
  const text = checked(store, report);
  for (const table of tables) await store.putOnce(keys[table](run), await packed(eachRow(report, table)));
  const page = writeHtml(report, await storedPageOptions(store, report, neighbours));
  await store.putOnce(keys.reportPage(run), Buffer.from(page));
  if ((await store.putOnce(keys.report(run), text)) === 'exists') await assertReadable(store, run);
  if (report.scope === 'cluster') await pointToLatest(store, run);
}

/** The report as written. @throws AuditError STORE where it could not be read back */
function checked(store: Store, report: ClusterReport): Uint8Array {
  const invalid = (problem: string, cause?: unknown): AuditError =>
    new AuditError(
      'STORE',
      `${store.location}: the report of run ${report.runId} is not written: ${problem}`,
      {
        cause,
        remedy: 'This is a bug in netns-auditor: please report it. Earlier reports are unchanged.',
      },
    );
  if (!isRunId(report.runId)) throw invalid('its name is not that of a run');
  const { error } = reportSchema.safeParse(report);
  if (error !== undefined) throw invalid(problemOf(error), error);
  for (const table of tables)
    for (const line of eachRow(report, table)) {
      const column = misfit(table, JSON.parse(line));
      if (column !== null)
        throw invalid(`a row of ${table} has a value in ${column} that tables cannot hold`);
    }
  let text: Uint8Array;
  try {
    text = Buffer.from(`${JSON.stringify(report)}\n`);
  } catch (error) {
    // Longer than a string can be.
    throw invalid(messageOf(error), error);
  }
  if (text.length <= LARGEST_OBJECT) return text;
  throw invalid(`it has ${text.length} bytes, and no more than ${LARGEST_OBJECT} are read`);
}

/** A repeated conclusion finds its earlier report: `latest` would point to that one. */
async function assertReadable(store: Store, run: Run): Promise<void> {
  await reportOfRun(store, run);
}

async function packed(lines: Iterable<string>): Promise<Buffer> {
  return await buffer(Readable.from(lines).pipe(createGzip()));
}
