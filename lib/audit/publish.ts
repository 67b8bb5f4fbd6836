/** Puts a run into the store: the report last, so that a report is complete or not there. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';
import { reasons } from '../checks/catalogue.ts';
import { keys, pastTotals, pointToLatest, type Store } from '../history/index.ts';
import type { ClusterReport } from '../model/report.ts';
import { eachRow, writeHtml } from '../report/index.ts';

/** Writes what the run concluded; whatever is there already stays. A run of a part never becomes the latest. */
export async function publish(store: Store, report: ClusterReport): Promise<void> {
  const run = { cluster: report.cluster.name, runId: report.runId };
  for (const part of ['findings', 'nodes'] as const)
    await store.putOnce(keys[part](run), await packed(eachRow(report, part)));
  const page = writeHtml(report, reasons, await pastTotals(store, report));
  await store.putOnce(keys.reportPage(run), Buffer.from(page));
  await store.putOnce(keys.report(run), Buffer.from(`${JSON.stringify(report)}\n`));
  if (report.scope === 'cluster') await pointToLatest(store, run);
}

async function packed(lines: Iterable<string>): Promise<Buffer> {
  return await buffer(Readable.from(lines).pipe(createGzip()));
}
