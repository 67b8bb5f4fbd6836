import type { Command } from 'commander';
import type { Format } from '../../lib/report/index.ts';
import { archives, filesOf } from '../evidence-files.ts';
import { addOutputOptions, EXCEPTIONS, type FailOn } from '../options.ts';

type Options = {
  readonly store?: string;
  readonly exceptions?: string;
  readonly output: Format;
  readonly failOn: FailOn;
  readonly color: boolean;
  readonly verbose?: boolean;
  readonly details?: boolean;
};

/** `netns-audit analyze`. */
export function addAnalyze(program: Command): void {
  const command = program
    .command('analyze')
    .argument('<paths...>', 'evidence of one run: NODE.tar.gz files, or the folder that contains them')
    .description('re-analyze saved evidence offline')
    .option(
      '--store <place>',
      'store with the report that the run was compared with; without it every finding is new',
    );
  addOutputOptions(command)
    .option('--exceptions <file>', EXCEPTIONS)
    .addHelpText(
      'after',
      '\nExample:\n  netns-audit analyze ~/.local/share/netns-audit/evidence/cluster=prod-eu/dt=2026-11-20/20261120T020000Z-1a2b3c4d/',
    )
    .action(async (paths: string[], options: Options) => {
      const { analyze, openStore, reportOfRun } = await import('../../lib/audit/index.ts');
      const { pageOptions } = await import('../page-options.ts');
      const { printReport } = await import('../print-report.ts');
      const { noteOtherClusters, readExceptions } = await import('../read-exceptions.ts');
      const exceptions = readExceptions(options.exceptions);
      const store = options.store === undefined ? null : openStore(options.store);
      const report = await analyze(
        archives(await filesOf(paths)),
        async ({ cluster, previousRunId }) =>
          store === null || previousRunId === null
            ? null
            : await reportOfRun(store, { cluster: cluster.name, runId: previousRunId }),
        exceptions,
      );
      noteOtherClusters(exceptions, report.cluster.name);
      // The analysis is not kept: `reports show` would not find it.
      const page = options.output === 'html' ? await pageOptions(null, report) : {};
      printReport(report, { ...options, store: null }, page);
    });
}
