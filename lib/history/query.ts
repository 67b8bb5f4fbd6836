/**
 * SQL over the rows of findings and nodes, the same files and columns that Athena reads, with DuckDB in this
 * process. DuckDB is not a dependency (70 MB for a few users), and this file not part of index.ts: AWS
 * functions are bundled without it.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { dayBefore, daysBetween } from '../model/days.ts';
import { AuditError } from '../model/errors.ts';
import { forEachLimited } from '../model/limit.ts';
import { COLUMNS, type Table, tables } from '../model/tables.ts';
import { type OnDamage, unlessDamaged } from './damage.ts';
import { DirectoryStore } from './directory.ts';
import { clusterKey, keys } from './keys.ts';
import { checkRows } from './rows.ts';
import type { Store } from './store.ts';

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** The result of a SELECT. Integers too large for a number are text. */
export type QueryResult = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
};

export type QueryOptions = {
  /** The oldest day, `YYYY-MM-DD`; null for all days. */
  readonly since: string | null;
  readonly cluster?: string;
};

/** Compressed bytes to fetch from a bucket at most; for more, there is Athena. */
const MOST_FETCHED = 1024 ** 3;
const AT_ONCE = 16;

/** Athena functions that DuckDB names differently: the named queries of the stack work unchanged. */
const MACROS = [
  'date_format(moment, pattern) AS strftime(moment, pattern)',
  'from_iso8601_timestamp(moment) AS CAST(moment AS TIMESTAMP)',
  'approx_percentile(value, share) AS approx_quantile(value, share)',
];

/**
 * Runs one SELECT on the tables `findings` and `nodes`. Reads a directory in place, and only the days and clusters
 * that the statement needs; fetches the rows since a day first from a bucket. The statement can read nothing else,
 * and write nothing. DuckDB takes a truncated file for a short one, so all files are checked first.
 *
 * @param onDamage - called for damaged files, which are left out
 * @throws AuditError USAGE if DuckDB is missing or refuses the statement; STORE if rows are damaged or cannot be read
 */
export async function query(
  store: Store,
  sql: string,
  options: QueryOptions,
  onDamage: OnDamage,
): Promise<QueryResult> {
  const { DuckDBInstance } = await duckdb();
  const folder = await mkdtemp(join(tmpdir(), 'netns-audit-query-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    // A link keeps glob characters in the path of the store out of the pattern.
    const rows = join(folder, 'store');
    if (store instanceof DirectoryStore) await symlink(resolve(store.location), rows, 'junction');
    await lockUp(connection, rows);
    const named = namesIn(connection, sql);
    for (const table of tables.filter((each) => named.has(each))) {
      const wanted = await keysOfRows(store, table, options);
      const whole = await readable(store, table, wanted, { rows, onDamage });
      await define(connection, table, { rows, keys: whole, all: whole.length === wanted.length }, options);
    }
    return await answer(connection, sql);
  } catch (error) {
    throw explained(error, store, folder);
  } finally {
    connection.closeSync();
    instance.closeSync();
    process.off('exit', remove);
    await rm(folder, { recursive: true, force: true });
  }
}

async function duckdb(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    throw new AuditError('USAGE', 'reports query needs DuckDB, which is not installed with netns-audit', {
      cause: error,
      remedy:
        'Install it next to netns-audit (70 MB): npm install @duckdb/node-api@1.5.6-r.1, with -g if you installed ' +
        'netns-audit with -g, or with --prefix FOLDER if FOLDER is an unpacked archive.',
    });
  }
}

/** From now on only the rows are readable, no extension is loaded, and no setting can change. */
async function lockUp(connection: DuckDBConnection, rows: string): Promise<void> {
  const allowed = tables.map((table) => quoted(`${join(rows, table)}/`));
  await connection.run(`SET temp_directory = ''`);
  await connection.run(`SET allowed_directories = [${allowed.join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
  for (const macro of MACROS) await connection.run(`CREATE MACRO ${macro}`);
}

/** Tables that a statement may need: all if its kind names none, such as `SHOW TABLES`. */
function namesIn(connection: DuckDBConnection, sql: string): ReadonlySet<string> {
  try {
    const named = connection.getTableNames(sql, false).map((name) => name.toLowerCase());
    return new Set(named.length === 0 ? tables : named);
  } catch {
    return new Set(tables);
  }
}

/** Files of the table since the day, for one cluster or all. */
async function keysOfRows(store: Store, table: Table, { since, cluster }: QueryOptions): Promise<string[]> {
  const wanted: string[] = [];
  const ofCluster = cluster === undefined ? '' : `/cluster=${clusterKey(cluster)}/`;
  await forEachLimited(placesOf(table, since, cluster), AT_ONCE, async (place) => {
    for await (const key of store.list(place)) {
      const [, day = ''] = /\/dt=([^/]+)\/.*\.ndjson\.gz$/.exec(key) ?? [];
      if (day !== '' && day >= (since ?? '') && key.includes(ofCluster)) wanted.push(key);
    }
  });
  return wanted.toSorted();
}

/** Most days to list one by one; beyond that, the whole table is listed. */
const FEW_DAYS = 400;

/** Where the files are. Rows of tomorrow may exist: clocks differ. */
function placesOf(table: Table, since: string | null, cluster?: string): string[] {
  const tomorrow = dayBefore(Date.now(), -1);
  const days = since === null ? FEW_DAYS : daysBetween(since, tomorrow) + 1;
  if (days < 1 || days >= FEW_DAYS) return [`${table}/`];
  return Array.from({ length: days }, (_, back) =>
    keys.rowsOf(table, dayBefore(Date.parse(tomorrow), back), cluster),
  );
}

/** The fully readable files; those in a bucket are copied below `rows`. */
async function readable(
  store: Store,
  table: Table,
  wanted: readonly string[],
  { rows, onDamage }: { rows: string; onDamage: OnDamage },
): Promise<string[]> {
  const whole = new Set<string>();
  let bytes = 0;
  const read = async (key: string): Promise<void> => {
    const stored = await store.get(key);
    if (stored === null) return;
    await checkRows(store, key, stored.body);
    whole.add(key);
    if (store instanceof DirectoryStore) return;
    bytes += stored.body.length;
    if (bytes > MOST_FETCHED)
      throw new AuditError('USAGE', `${store.location}: the rows of ${table} are more than 1 GiB`, {
        remedy: 'Ask for fewer days (--since) or one --cluster, or use Athena, which reads them in place.',
      });
    const path = join(rows, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, stored.body);
  };
  await forEachLimited(wanted, AT_ONCE, async (key) => {
    await unlessDamaged(() => read(key), onDamage);
  });
  return wanted.filter((key) => whole.has(key));
}

/** A view of the files, so that days and clusters not asked for are not read; an empty table without files. */
async function define(
  connection: DuckDBConnection,
  table: Table,
  { rows, keys, all }: { rows: string; keys: readonly string[]; all: boolean },
  { since, cluster }: QueryOptions,
): Promise<void> {
  const columns = Object.entries(COLUMNS[table]).map(
    ([name, type]) => [`"${name}"`, duckType(type)] as const,
  );
  if (keys.length === 0) {
    const empty = [...columns, ['cluster', 'VARCHAR'], ['dt', 'VARCHAR']];
    await connection.run(`CREATE TABLE ${table} (${empty.map((column) => column.join(' ')).join(', ')})`);
    return;
  }
  const of = cluster === undefined ? '*' : clusterKey(cluster);
  const files = all
    ? quoted(`${rows}/${table}/dt=*/cluster=${of}/*.ndjson.gz`)
    : `[${keys.map((key) => quoted(`${rows}/${key}`)).join(', ')}]`;
  const types = columns.map(([name, type]) => `${name}: ${quoted(type)}`).join(', ');
  await connection.run(
    `CREATE VIEW ${table} AS SELECT * FROM read_json(${files}, format = 'newline_delimited', ` +
      'hive_partitioning = true, hive_types_autocast = false, columns = ' +
      `{${types}})${since === null ? '' : ` WHERE dt >= ${quoted(since)}`}`,
  );
}

/** A Hive type as DuckDB names it. */
function duckType(hive: string): string {
  const list = /^array<(.*)>$/.exec(hive)?.[1];
  if (list !== undefined) return `${duckType(list)}[]`;
  const fields = /^struct<(.*)>$/.exec(hive)?.[1];
  if (fields === undefined)
    return { string: 'VARCHAR', int: 'INTEGER', double: 'DOUBLE', boolean: 'BOOLEAN' }[hive] ?? 'JSON';
  // None of our structs contains another.
  const each = fields.split(',').map((field) => field.split(':'));
  return `STRUCT(${each.map(([name, type = '']) => `"${name}" ${duckType(type)}`).join(', ')})`;
}

async function answer(connection: DuckDBConnection, sql: string): Promise<QueryResult> {
  const { StatementType, DuckDBTypeId } = await duckdb();
  // DuckDB has no message for an empty statement.
  const statements = sql.trim() === '' ? null : await connection.extractStatements(sql);
  const statement = statements?.count === 1 ? await statements.prepare(0) : null;
  // Among the others, COPY writes, and EXPLAIN ANALYZE does what it explains.
  if (statement?.statementType !== StatementType.SELECT)
    throw new AuditError('USAGE', 'reports query takes one SELECT', {
      remedy: "Such as: netns-audit reports query 'SELECT cluster, count(*) FROM findings GROUP BY 1'",
    });
  const found = await statement.runAndReadAll();
  const numbers = [DuckDBTypeId.BIGINT, DuckDBTypeId.UBIGINT, DuckDBTypeId.HUGEINT, DuckDBTypeId.DECIMAL];
  const numeric = found.columnTypes().map(({ typeId }) => numbers.includes(typeId));
  const rows = found
    .getRowsJson()
    .map((row) => row.map((cell, column) => (numeric[column] ? numberOf(cell) : cell)));
  return { columns: found.columnNames(), rows };
}

/** Wide integers and decimals arrive as text; a number if it is exact. */
function numberOf(value: Value): Value {
  if (typeof value !== 'string' || Math.abs(Number(value)) > Number.MAX_SAFE_INTEGER) return value;
  return Number(value);
}

/** DuckDB's messages name our temporary folder and quote file contents. */
function explained(error: unknown, store: Store, folder: string): unknown {
  if (error instanceof AuditError || !(error instanceof Error)) return error;
  const damaged = error.message.includes(folder);
  const message = error.message
    .replaceAll(`${folder}/store`, store.location)
    .replace(/\n\nLINE \d[\s\S]*$/, '')
    .replace(/^Failed to extract statements: /, '')
    // It suggests its own tables, too.
    .replace(/ *\n?Did you mean "[^"]*"\?/, '')
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .slice(0, 600);
  return damaged
    ? new AuditError('STORE', message, {
        cause: error,
        remedy: 'Move the damaged file away, or update netns-audit if a newer one wrote it.',
      })
    : new AuditError('USAGE', message, {
        cause: error,
        remedy: "The tables are findings and nodes; 'DESCRIBE findings' shows the columns.",
      });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
