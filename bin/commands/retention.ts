import type { Command } from 'commander';
import { leftOut } from '../damage.ts';
import { daysKept } from '../options.ts';

type Options = {
  readonly store?: string;
  readonly evidenceDays: number;
  readonly reportDays: number;
  readonly workDays: number;
  readonly dryRun?: boolean;
};

/** `netns-audit retention`. */
export function addRetention(program: Command): void {
  program
    .command('retention')
    .description('delete old reports and evidence from a directory')
    .option('--store <directory>', 'the store (default: your data directory)')
    .option('--evidence-days <days>', 'how long to keep the evidence of nodes', daysKept, 90)
    .option(
      '--report-days <days>',
      'how long to keep reports, findings and records of messages',
      daysKept,
      1096,
    )
    .option('--work-days <days>', 'how long to keep intermediate results of runs', daysKept, 7)
    .option('--dry-run', 'only say what would be deleted')
    .addHelpText(
      'after',
      `
The latest report of each cluster, and everything it needs, is always kept.

Example:
  netns-audit retention --store /var/lib/netns-audit --evidence-days 30 --dry-run`,
    )
    .action(async (options: Options) => {
      const { defaultStore, openStore, assertThere } = await import('../../lib/audit/index.ts');
      const { DirectoryStore, expired, kinds } = await import('../../lib/history/index.ts');
      const { AuditError } = await import('../../lib/model/errors.ts');
      const store = openStore(options.store ?? defaultStore());
      if (!(store instanceof DirectoryStore))
        throw new AuditError('USAGE', `--store ${options.store} is not a directory`, {
          remedy: 'For a bucket, use lifecycle rules (docs/in-cluster.md has an example).',
        });
      await assertThere(store);
      const { evidenceDays, reportDays, workDays } = options;
      const days = { evidence: evidenceDays, reports: reportDays, work: workDays };
      const onDamage = leftOut();
      const total = { objects: 0, bytes: 0 };
      for (const kind of kinds) {
        const found = { objects: 0, bytes: 0 };
        for await (const key of expired(store, kind, days, new Date(), onDamage)) {
          found.bytes += options.dryRun === true ? await store.size(key) : await store.remove(key);
          found.objects += 1;
        }
        if (found.objects > 0)
          process.stdout.write(
            `${kind.padEnd(8)}  ${String(found.objects).padStart(8)}  ${megabytes(found.bytes).padStart(10)}\n`,
          );
        total.objects += found.objects;
        total.bytes += found.bytes;
      }
      const verb = options.dryRun === true ? 'Would delete' : 'Deleted';
      process.stdout.write(
        total.objects === 0
          ? `Nothing in ${store.location} is old enough to go.\n`
          : `${verb} ${total.objects} ${total.objects === 1 ? 'object' : 'objects'}, ${megabytes(total.bytes)}, of ${store.location}.\n`,
      );
    });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
