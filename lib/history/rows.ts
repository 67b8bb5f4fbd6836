/** Checks line by line that the rows of a run can be read as tables: they unpack to more than fits in memory. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../model/errors.ts';
import { misfit, type Table } from '../model/tables.ts';
import { damageOf } from './damage.ts';
import { clusterKey } from './keys.ts';
import type { Store } from './store.ts';

/** No valid row is longer; one without an end would take all memory. */
const LONGEST_ROW = 16 * 1024 * 1024;

/** @throws AuditError STORE that names the file, the line and what is wrong with it */
export async function checkRows(store: Store, key: string, body: Uint8Array): Promise<void> {
  const [, table, cluster] = /^(findings|nodes)\/dt=[^/]+\/cluster=([^/]+)\//.exec(key) ?? [];
  let number = 0;
  try {
    for await (const line of linesOf(body)) {
      number += 1;
      const problem = problemOf(line, table === 'nodes' ? 'nodes' : 'findings', cluster ?? '');
      if (problem !== null) throw new Error(problem);
    }
  } catch (error) {
    throw damageOf(store, key, `is damaged after line ${Math.max(0, number - 1)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function problemOf(line: Buffer, table: Table, cluster: string): string | null {
  const row: unknown = JSON.parse(line.toString());
  if (typeof row !== 'object' || row === null || Array.isArray(row)) return 'the line is no row';
  const column = misfit(table, row as Readonly<Record<string, unknown>>);
  if (column !== null) return `${column} is of another type`;
  const isOwn = !('cluster' in row) || clusterKey(String(row.cluster)) === cluster;
  return isOwn ? null : 'the row is of another cluster';
}

async function* linesOf(body: Uint8Array): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let length = 0;
  const unpacking = createGunzip();
  Readable.from([body]).pipe(unpacking);
  for await (const chunk of unpacking as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...kept, chunk.subarray(from, end)]);
      if (line.length > 0) yield line;
      kept = [];
      length = 0;
      from = end + 1;
    }
    kept.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > LONGEST_ROW) throw new Error(`the line has more than ${LONGEST_ROW} bytes`);
  }
  if (length > 0) yield Buffer.concat(kept);
}
