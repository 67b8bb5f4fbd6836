import { type Command, Option } from 'commander';
import { type Grouping, groupings, type Metric, metrics } from '../../lib/history/metrics.ts';
import { AuditError } from '../../lib/model/errors.ts';
import type { Narrowing } from '../../lib/model/narrowing.ts';
import { type Format, formats } from '../../lib/report/formats.ts';
import { leftOut } from '../damage.ts';
import { days, positive, reportWidth, terminalWidth, wantsColour } from '../options.ts';
import { pageOptions } from '../page-options.ts';
import {
  addNarrowing,
  askedPart,
  type Common,
  clusterNames,
  json,
  opened,
  reportBefore,
  reportOf,
  subcommand,
  textOrJson,
  today,
} from '../reports-store.ts';
import { addFleetReport } from './reports-fleet.ts';
import { addQuery } from './reports-query.ts';

/** `netns-audit reports`. */
export function addReports(program: Command): void {
  const reports = program
    .command('reports')
    .description('show what earlier audits found: list, show, diff, trend, fleet, query');
  addList(reports);
  addShow(reports);
  addDiff(reports);
  addTrend(reports);
  addFleetReport(reports);
  addQuery(reports);
}

type ListOptions = Common &
  Narrowing & {
    readonly since: string;
    readonly until: string;
    readonly whole?: boolean;
    readonly limit: number;
    readonly output: string;
  };

function addList(parent: Command): void {
  addNarrowing(subcommand(parent, 'list', 'runs, newest first'), 'only runs with findings')
    .option('--since <time>', 'not older than this, such as 30d, 2y or 2026-11-01', days, days('1y'))
    .option('--until <time>', 'not newer than this', days, today())
    .option('--whole', 'only audits of whole clusters: no hourly counts, no selected nodes')
    .option('--limit <runs>', 'at most this many', positive, 20)
    .addOption(textOrJson())
    .action(async (options: ListOptions) => {
      const { runs, summaries } = await import('../../lib/history/index.ts');
      const store = await opened(options);
      const onDamage = leftOut();
      const all = runs(store, await clusterNames(store, options), options.since, options.until, onDamage);
      const asked = options.check !== undefined || options.node !== undefined;
      const found = [];
      for await (const line of summaries(store, all, options, onDamage)) {
        if (asked && Object.values(line.findings).every((count) => count === 0)) continue;
        if (options.whole === true && line.scope === 'part') continue;
        found.push(line);
        if (found.length >= options.limit) break;
      }
      const { listText } = await import('../reports-text.ts');
      process.stdout.write(
        options.output === 'json' ? json(found) : listText(found, terminalWidth(process.stdout)),
      );
    });
}

type Showing = { readonly output: Format; readonly verbose?: boolean; readonly details?: boolean };

function addShow(parent: Command): void {
  addNarrowing(subcommand(parent, 'show', 'one report'), 'only findings and coverage')
    .argument(
      '[run]',
      'run id, a day such as 2026-11-20 (its last audit of the whole cluster), latest, or previous (the ' +
        'audit of the whole cluster before the latest)',
      'latest',
    )
    .argument('[check]', 'only this check, in full, as with --check')
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output')
        .choices([...formats])
        .default('text'),
    )
    .option('--details', 'show every finding with its proof and repair')
    .option('-v, --verbose', 'also list suppressed findings')
    .action(async (reference: string, check: string | undefined, given: Common & Narrowing & Showing) => {
      const options = check === undefined ? given : { ...given, check: oneOf(check, given.check) };
      const store = await opened(options);
      const report = await askedPart(await reportOf(store, reference, options, leftOut()), options);
      const whole = options.check === undefined && options.node === undefined;
      const { write } = await import('../../lib/report/index.ts');
      const { whyByCheck: reasons } = await import('../../lib/checks/catalogue.ts');
      const { stdout } = process;
      const style = {
        colour: wantsColour(stdout, options.color),
        width: reportWidth(stdout),
        why: reasons,
        verbose: options.verbose === true,
        // A request for a check or node wants its details.
        details: options.details === true || !whole,
        ...(options.store === undefined ? {} : { store: options.store }),
        ...(options.output === 'html' ? await pageOptions(whole ? store : null, report) : {}),
      };
      stdout.write(write(report, options.output, style));
    });
}

/** A check may follow the run or --check. @throws AuditError USAGE for two that differ */
function oneOf(check: string, option: string | undefined): string {
  if (option === undefined || option === check) return check;
  throw new AuditError('USAGE', `two checks are named, ${check} and --check ${option}`, {
    remedy: 'Use one of them, or neither for the whole report.',
  });
}

function addDiff(parent: Command): void {
  const described = 'what appeared (+), went (-) or changed (!) between two reports of a cluster';
  addNarrowing(subcommand(parent, 'diff', described), 'only findings and coverage')
    .argument('[before]', 'run id, day, or previous (the audit of the whole cluster before that)', 'previous')
    .argument('[after]', 'run id, day or latest', 'latest')
    .addOption(textOrJson())
    .action(async (before: string, after: string, options: Common & Narrowing & { output: string }) => {
      const { diff } = await import('../../lib/history/index.ts');
      const { narrowed } = await import('../../lib/diagnosis/part.ts');
      const store = await opened(options);
      const onDamage = leftOut();
      const newer = await reportOf(store, after, options, onDamage);
      const older =
        before === 'previous'
          ? await reportBefore(store, newer, onDamage)
          : await reportOf(store, before, { cluster: newer.cluster.name }, onDamage);
      if (older.runId === newer.runId)
        throw new AuditError('USAGE', `both are run ${newer.runId}`, {
          remedy: 'Name an earlier run first, or none for the previous one.',
        });
      const { diffText } = await import('../reports-text.ts');
      const difference = diff(narrowed(older, options), narrowed(newer, options));
      process.stdout.write(options.output === 'json' ? json(difference) : diffText(difference));
    });
}

function addTrend(parent: Command): void {
  subcommand(parent, 'trend', 'a node metric over time, as a sparkline')
    .argument(
      '[metric]',
      `${metrics.join(', ')}; usage is the percentage of the limit on the fullest node`,
      'orphans',
    )
    .option('--since <time>', 'start, such as 30d, 2y or 2026-11-01', days, days('90d'))
    .addOption(new Option('--by <group>', 'one row for each').choices(groupings).default('cluster'))
    .option('--node <name>', 'only this node')
    .option(
      '--columns <number>',
      'bars per row (default: 60, fewer in a narrow terminal); each shows the last run of its time span',
      positive,
    )
    .option('--limit <rows>', 'at most this many rows, the largest last value first', positive, 20)
    .option('--ascii', 'no Unicode bars (default where the locale is not UTF-8)')
    .addOption(textOrJson())
    .action(async (metric: string, options: TrendOptions) => {
      const known = metrics.find((each) => each === metric);
      if (known === undefined)
        throw new AuditError('USAGE', `no such metric: ${metric}`, {
          remedy: `There is ${metrics.join(', ')}.`,
        });
      await trend(known, options);
    });
}

type TrendOptions = Common & {
  readonly since: string;
  readonly by: Grouping;
  readonly node?: string;
  readonly columns?: number;
  readonly limit: number;
  readonly ascii?: boolean;
  readonly output: string;
};

/** Leaves room for a row's name and numbers. */
function barsIn(width: number | undefined): number {
  return width === undefined ? 60 : Math.min(60, Math.max(20, width - 40));
}

async function trend(metric: Metric, options: TrendOptions): Promise<void> {
  const { columnsOf, trendRows: rowsOf, series } = await import('../../lib/history/index.ts');
  const store = await opened(options);
  const [from, to] = [new Date(`${options.since}T00:00:00Z`), new Date()];
  const names = await clusterNames(store, options);
  const columns = columnsOf(from, to, options.columns ?? barsIn(terminalWidth(process.stdout)));
  const onDamage = leftOut();
  const rows = columns.map((): Awaited<ReturnType<typeof rowsOf>>[number] => []);
  // One cluster at a time: each column has an open file or request.
  for (const name of names)
    for (const [column, read] of (
      await rowsOf(store, name, columns, options.by !== 'cluster', onDamage)
    ).entries())
      for (const row of read)
        if (options.node === undefined || row.node === options.node) rows[column]?.push(row);
  const result = series(rows, metric, options.by);
  if (options.output === 'json') {
    process.stdout.write(json({ metric, by: options.by, from, to, series: result }));
    return;
  }
  const { trendText } = await import('../reports-text.ts');
  const { isAsciiOnly } = await import('../sparkline.ts');
  const title = `${metric}${options.node === undefined ? '' : ` of ${options.node}`} by ${options.by}, ${options.since} to ${today()}`;
  const ascii = options.ascii ?? isAsciiOnly(process.env);
  process.stdout.write(
    trendText(title, result, { ascii, limit: options.limit, width: terminalWidth(process.stdout) }),
  );
}
