import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { AuditError, messageOf } from '../../lib/model/errors.ts';
import type { Format } from '../../lib/report/index.ts';
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
    .argument('<paths...>', 'evidence of one run: NODE.tar.gz files, or the folder that has them')
    .description('judge kept evidence again, without any cluster')
    .option(
      '--store <place>',
      'where the report is that the run was compared with; without it every finding is new',
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
      // What is analyzed is not kept: `reports show` would not find it.
      const page = options.output === 'html' ? await pageOptions(null, report) : {};
      printReport(report, { ...options, store: null }, page);
    });
}

/** One after the other: a large cluster has more nodes than a process may open files, and more evidence than memory. */
function* archives(files: readonly string[]): Generator<Uint8Array> {
  for (const file of files) {
    let archive: Uint8Array;
    try {
      archive = readFileSync(file);
    } catch (error) {
      throw unreadable(error);
    }
    if (archive[0] !== 0x1f || archive[1] !== 0x8b)
      throw new AuditError('USAGE', `${file} is no evidence: that is kept as NODE.tar.gz`, {
        remedy:
          'Name files or a folder below evidence/ in the store. Reports are shown by netns-audit reports show.',
      });
    yield archive;
  }
}

async function filesOf(paths: readonly string[]): Promise<string[]> {
  const { readdir, stat } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const files: string[] = [];
  try {
    for (const path of paths) {
      if (!(await stat(path)).isDirectory()) {
        files.push(path);
        continue;
      }
      const inside = (await readdir(path)).filter((name) => name.endsWith('.tar.gz'));
      if (inside.length === 0) throw new Error(`${path} holds no NODE.tar.gz`);
      for (const name of inside) files.push(join(path, name));
    }
    return files;
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): AuditError {
  return new AuditError('USAGE', messageOf(error), {
    cause: error,
    remedy: 'Name files or a folder below evidence/ in the store.',
  });
}
