import { type Command, Option } from 'commander';
import { leftOut } from '../damage.ts';
import { days, terminalWidth } from '../options.ts';
import { type Common, clusterNames, opened, subcommand } from '../reports-store.ts';

const formats = ['text', 'json', 'ndjson', 'csv'] as const;

type QueryCommandOptions = Common & { readonly since?: string; readonly output: (typeof formats)[number] };

/** `netns-audit reports query`. */
export function addQuery(parent: Command): void {
  subcommand(parent, 'query', 'query the findings and nodes of all runs with SQL (needs DuckDB, see below)')
    .argument('<sql>', 'one SELECT on the tables findings and nodes')
    .option(
      '--since <time>',
      'not older than this (default: 30d for a bucket, everything for a directory)',
      days,
    )
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output').choices(formats).default('text'),
    )
    .addHelpText('after', HELP)
    .action(async (sql: string, options: QueryCommandOptions) => {
      const { query } = await import('../../lib/history/query.ts');
      const { EXIT } = await import('../exit.ts');
      const { writeAnswer } = await import('../query-text.ts');
      const store = await opened(options);
      // Ends through the `exit` listeners, which remove fetched files.
      const stop = (): never => process.exit(EXIT.interrupted);
      process.once('SIGINT', stop);
      process.once('SIGTERM', stop);
      try {
        const since = options.since ?? (store.location.startsWith('s3://') ? days('30d') : null);
        const { cluster } = options;
        if (cluster !== undefined) await clusterNames(store, options);
        const found = await query(
          store,
          sql,
          { since, ...(cluster === undefined ? {} : { cluster }) },
          leftOut(),
        );
        process.stdout.write(writeAnswer(found, options.output, terminalWidth(process.stdout)));
      } finally {
        process.off('SIGINT', stop);
        process.off('SIGTERM', stop);
      }
    });
}

const HELP = `
The tables findings and nodes have the same columns as in Athena, and also the
cluster and dt (the day, as text) of each run. Only files that match a condition
on dt or cluster are read. Install DuckDB next to netns-audit:
  npm install @duckdb/node-api@1.5.6-r.1

Examples:
  netns-audit reports query 'DESCRIBE findings'
  netns-audit reports query "SELECT cluster, node, max(orphans) FROM nodes WHERE dt >= '2026-11-01' GROUP BY 1, 2"`;
