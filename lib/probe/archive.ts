/**
 * The stored form of one node's evidence: the probe's bundle, both snapshots and facts about the run, in one
 * tar.gz.
 */

import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import * as z from 'zod';
import { activeProbes } from '../model/active-probe.ts';
import { AuditError } from '../model/errors.ts';
import { canarySchema } from '../model/evidence.ts';
import { type Snapshot, snapshotSchema } from '../model/kubernetes.ts';
import { nodeCoverageSchema, reportSchema } from '../model/report.ts';
import { type BundleFiles, PROBE_PATH, unpackArchive } from './unpack.ts';

/** What a later analysis needs besides the files to reach the same result. */
export const auditRecordSchema = z.object({
  version: z.string(),
  runId: z.string(),
  cluster: reportSchema.shape.cluster,
  scope: reportSchema.shape.scope,
  startedAt: z.iso.datetime(),
  settleSeconds: z.object({ pod: z.number(), orphan: z.number() }),
  /** Checks that ran: those that need `--active` only if it was requested. */
  active: z.array(z.enum(activeProbes)),
  /** The run with whose report it was compared. */
  previousRunId: z.string().nullable(),
  /** Why the node was not probed; null if it was. */
  coverage: nodeCoverageSchema.nullable(),
  canary: canarySchema.omit({ leftovers: true }).nullable(),
});
export type AuditRecord = z.infer<typeof auditRecordSchema>;

/** What the evidence of all nodes of a run has in common. */
export const runRecordSchema = auditRecordSchema.omit({ coverage: true, canary: true });
export type RunRecord = z.infer<typeof runRecordSchema>;

export type StoredEvidence = {
  /** Null if the node was not probed. */
  readonly files: BundleFiles | null;
  readonly before: Snapshot;
  /** Null if the probe failed. */
  readonly after: Snapshot | null;
  readonly audit: AuditRecord;
};

const STORED_PATH = new RegExp(`${PROBE_PATH.source}|^(?:api/(?:before|after)|audit)\\.json$`);

/** Writes an archive whose bytes depend only on its content. */
export async function writeArchive({ files, before, after, audit }: StoredEvidence): Promise<Uint8Array> {
  const text = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
  const all = new Map<string, Uint8Array>([
    ...(files ?? []),
    ['api/before.json', text(before)],
    ['api/after.json', text(after)],
    ['audit.json', text(audit)],
  ]);
  const writer = pack();
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of writer as AsyncIterable<Uint8Array>) chunks.push(chunk);
  })();
  for (const [name, content] of [...all].sort(([a], [b]) => (a < b ? -1 : 1))) {
    writer.entry({ name, mtime: new Date(0), mode: 0o644 }, Buffer.from(content));
  }
  writer.finalize();
  await reading;
  const archive = gzipSync(Buffer.concat(chunks), { level: 9 });
  // Byte 9 of the header is the operating system, which differs between builds of zlib.
  archive[9] = 255;
  return archive;
}

/**
 * Reads what writeArchive wrote.
 * @throws AuditError BUNDLE_INVALID if it is not a stored bundle
 */
export async function readArchive(archive: Uint8Array): Promise<StoredEvidence> {
  const all = new Map(await unpackArchive(archive, STORED_PATH));
  function take<Schema extends z.ZodType>(path: string, schema: Schema): z.infer<Schema> {
    const bytes = all.get(path);
    all.delete(path);
    try {
      if (bytes === undefined) throw new Error('it is missing');
      return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    } catch (error) {
      throw new AuditError('BUNDLE_INVALID', `The stored evidence has no valid ${path}.`, {
        remedy: 'Use an unchanged file from evidence/ in the store.',
        cause: error,
      });
    }
  }
  const before = take('api/before.json', snapshotSchema);
  const after = take('api/after.json', snapshotSchema.nullable());
  const audit = take('audit.json', auditRecordSchema);
  return { files: audit.coverage === null ? all : null, before, after, audit };
}
