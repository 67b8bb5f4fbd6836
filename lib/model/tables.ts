/** The rows of the store as tables, for any SQL engine: Athena and DuckDB read the same files. */

const OBJECT = 'struct<kind:string,namespace:string,name:string,node:string,path:string>';

/**
 * Columns by table with their Hive types, in the order of the rows; `cluster` and `dt` are in each row and in
 * its key.
 */
export const COLUMNS = {
  findings: {
    runId: 'string',
    fingerprint: 'string',
    check: 'string',
    topic: 'string',
    severity: 'string',
    confidence: 'string',
    state: 'string',
    object: OBJECT,
    title: 'string',
    detail: 'string',
    evidence: 'array<struct<what:string,expected:string,actual:string,source:string>>',
    remedy: 'array<struct<text:string,command:string>>',
    firstSeen: 'string',
    lastSeen: 'string',
    runs: 'int',
    flaps: 'int',
    flapping: 'boolean',
    returnedAt: 'string',
    notSeen: 'boolean',
    suppressed: 'struct<reason:string,owner:string,expires:string>',
    partOf: 'string',
    resolution: 'string',
    serves: 'array<string>',
    children: 'array<string>',
  },
  nodes: {
    runId: 'string',
    node: 'string',
    pods: 'int',
    namespaces: 'int',
    orphans: 'int',
    limit: 'int',
    kernel: 'string',
    runtime: 'string',
    cni: 'string',
    osImage: 'string',
    ami: 'string',
    instanceType: 'string',
    zone: 'string',
    nodegroup: 'string',
    probeMs: 'double',
    // `part`: the nodes of such a run do not add up to the cluster.
    scope: 'string',
  },
} as const satisfies Record<string, Record<string, string>>;

export type Table = keyof typeof COLUMNS;
export const tables = ['findings', 'nodes'] as const satisfies readonly Table[];

/**
 * The row with null for each number that its column cannot hold: a node may print any, and one must not cost
 * a report.
 */
export function fitted<T extends Readonly<Record<string, unknown>>>(table: Table, row: T): T {
  const large = Object.entries(COLUMNS[table]).filter(
    ([name, type]) => type === 'int' && typeof row[name] === 'number' && !fits(row[name], type),
  );
  return large.length === 0 ? row : { ...row, ...Object.fromEntries(large.map(([name]) => [name, null])) };
}

/** The first column whose value an engine could not read as its type; null if the row fits. */
export function misfit(table: Table, row: Readonly<Record<string, unknown>>): string | null {
  for (const [name, type] of Object.entries(COLUMNS[table])) if (!fits(row[name], type)) return name;
  return null;
}

/** The largest `int` of Hive. */
const LARGEST_INT = 2 ** 31 - 1;

function fits(value: unknown, type: string): boolean {
  if (value === null || value === undefined) return true;
  if (type === 'string') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'double') return typeof value === 'number';
  if (type === 'int') return Number.isInteger(value) && Math.abs(Number(value)) <= LARGEST_INT;
  const item = /^array<(.*)>$/.exec(type)?.[1];
  if (item !== undefined) return Array.isArray(value) && value.every((each) => fits(each, item));
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    (/^struct<(.*)>$/.exec(type)?.[1] ?? '').split(',').every((field) => {
      const [name = '', of = ''] = field.split(':');
      return fits((value as Readonly<Record<string, unknown>>)[name], of);
    })
  );
}
