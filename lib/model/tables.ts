/** The rows of the store as tables, for every engine that asks SQL of them: Athena and DuckDB read the same files. */

const OBJECT = 'struct<kind:string,namespace:string,name:string,node:string,path:string>';

/** Columns by table with their Hive types, in the order of the rows; `cluster` and `dt` are partitions. */
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
    // `part`: the nodes of such a run are no sum of the cluster.
    scope: 'string',
  },
} as const satisfies Record<string, Record<string, string>>;

export type Table = keyof typeof COLUMNS;
export const tables = ['findings', 'nodes'] as const satisfies readonly Table[];
