/** SQL over the reports: two tables whose partitions are computed, not crawled, and the most common questions. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Config } from '../model/config.ts';
import { COLUMNS, type Table, tables } from '../model/tables.ts';

export type QueriesProps = Pick<Config, 'retention'> & {
  readonly bucket: Bucket;
  readonly encryptionKey: IKey | undefined;
};

const SCAN_LIMIT_BYTES = 10 * 1024 ** 3;

/**
 * Names and texts of the saved queries. None begins with `--`, which a command line would read as an option,
 * and each has a first day, as Athena would otherwise list every partition. Run ids sort by time; a day may
 * have many runs, and hourly ones are partial.
 */
export const NAMED_QUERIES = {
  'worst-nodes': `/* Nodes with the most open findings of weight in the last week. */
SELECT cluster, CASE WHEN object.kind = 'node' THEN object.name ELSE object.node END AS node,
       count(DISTINCT fingerprint) AS findings,
       count(DISTINCT CASE WHEN severity = 'critical' THEN fingerprint END) AS critical
FROM findings
WHERE dt >= date_format(current_date - INTERVAL '7' DAY, '%Y-%m-%d')
  AND state IN ('new', 'open') AND severity IN ('critical', 'high')
GROUP BY 1, 2 ORDER BY findings DESC, critical DESC LIMIT 50`,
  'namespace-growth': `/* Network namespaces of each node, first and last run of the month, with its AMI. */
SELECT cluster, node, max_by(ami, runid) AS ami, min_by(namespaces, runid) AS at_first,
       max_by(namespaces, runid) AS at_last, max_by(namespaces, runid) - min_by(namespaces, runid) AS growth,
       max_by(orphans, runid) AS orphans
FROM nodes
WHERE dt >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
GROUP BY 1, 2 HAVING max_by(namespaces, runid) > min_by(namespaces, runid) ORDER BY growth DESC LIMIT 100`,
  'first-seen': `/* When each kind of fault was first seen in each cluster, and on how many objects in the last three months. */
SELECT cluster, "check", min(firstseen) AS first_seen, count(DISTINCT fingerprint) AS objects
FROM findings
WHERE dt >= date_format(current_date - INTERVAL '90' DAY, '%Y-%m-%d')
GROUP BY 1, 2 ORDER BY first_seen DESC`,
  'time-to-resolve': `/* Mean days from the first run that saw a fault to the last one, of what was resolved in the last three months. */
SELECT cluster, "check", count(*) AS resolved,
       avg(date_diff('hour', from_iso8601_timestamp(firstseen), from_iso8601_timestamp(lastseen)) / 24.0) AS mean_days
FROM (SELECT cluster, "check", fingerprint, firstseen, max(lastseen) AS lastseen
      FROM findings
      WHERE dt >= date_format(current_date - INTERVAL '90' DAY, '%Y-%m-%d') AND state = 'resolved'
      GROUP BY 1, 2, 3, 4)
GROUP BY 1, 2 ORDER BY mean_days DESC`,
  coverage: `/* Nodes that whole audits read, and their pods, day by day: the last run of each day. */
SELECT cluster, dt, count(*) AS nodes, sum(pods) AS pods, approx_percentile(probe_ms, 0.95) AS probe_ms_p95
FROM (SELECT cluster, dt, node, max_by(pods, runid) AS pods, max_by(probems, runid) AS probe_ms
      FROM nodes
      WHERE scope = 'cluster' AND dt >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
      GROUP BY 1, 2, 3)
GROUP BY 1, 2 ORDER BY 1, 2 DESC`,
} as const;

/** Findings and nodes of all runs as tables of Athena, with saved queries. */
export class Queries extends Construct {
  constructor(scope: Construct, id: string, props: QueriesProps) {
    super(scope, id);
    const catalogId = Stack.of(this).account;
    const database = new CfnDatabase(this, 'Database', {
      catalogId,
      databaseInput: { description: 'Findings and nodes of netns-auditor' },
    });
    for (const table of tables) {
      new CfnTable(this, table === 'findings' ? 'Findings' : 'Nodes', {
        catalogId,
        databaseName: database.ref,
        tableInput: tableOf(table, props),
      });
    }
    const workgroup = new CfnWorkGroup(this, 'Workgroup', {
      name: `${Stack.of(this).stackName}-netns-audit`,
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        bytesScannedCutoffPerQuery: SCAN_LIMIT_BYTES,
        publishCloudWatchMetricsEnabled: true,
        resultConfiguration: {
          outputLocation: props.bucket.s3UrlForObject('athena/'),
          encryptionConfiguration:
            props.encryptionKey === undefined
              ? { encryptionOption: 'SSE_S3' }
              : { encryptionOption: 'SSE_KMS', kmsKey: props.encryptionKey.keyArn },
        },
      },
    });
    workgroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
    for (const [name, queryString] of Object.entries(NAMED_QUERIES)) {
      new CfnNamedQuery(this, `Query-${name}`, {
        name,
        database: database.ref,
        workGroup: workgroup.ref,
        queryString,
      });
    }
  }
}

function tableOf(table: Table, { retention, bucket }: QueriesProps): CfnTable.TableInputProperty {
  const location = bucket.s3UrlForObject(`${table}/`);
  const days = `NOW-${retention.reportDays}DAYS,NOW+1DAYS`;
  return {
    name: table,
    tableType: 'EXTERNAL_TABLE',
    partitionKeys: [{ name: 'dt', type: 'string' }],
    parameters: {
      classification: 'json',
      compressionType: 'gzip',
      'projection.enabled': 'true',
      'projection.dt.type': 'date',
      'projection.dt.format': 'yyyy-MM-dd',
      'projection.dt.range': days,
      'storage.location.template': `${location}dt=\${dt}/`,
    },
    storageDescriptor: {
      location,
      inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
      outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
      compressed: true,
      serdeInfo: {
        serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe',
        parameters: { 'case.insensitive': 'true', 'ignore.malformed.json': 'false' },
      },
      // Its files are below the day, one folder per cluster: Athena reads them all.
      columns: Object.entries({ cluster: 'string', ...COLUMNS[table] }).map(([name, type]) => ({
        name: name.toLowerCase(),
        type,
      })),
    },
  };
}
