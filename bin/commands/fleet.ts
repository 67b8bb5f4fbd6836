import { type Command, Option } from 'commander';
import { severities } from '../../lib/model/severity.ts';
import { list, positive } from '../options.ts';
import type { FleetOptions } from '../run-fleet.ts';

/** `netns-audit fleet`. */
export function addFleet(program: Command): void {
  program
    .command('fleet')
    .description('audit all clusters of a configuration now')
    .option('--config <file>', 'the clusters, and how they are audited', 'netns-audit.yaml')
    .option('--cluster <names>', 'only these clusters, comma-separated', list)
    .option(
      '--concurrency <clusters>',
      'clusters audited at once (default: that of the configuration)',
      positive,
    )
    .option(
      '--store <place>',
      'directory or s3://bucket/prefix for reports and evidence; none keeps nothing (default: your data directory)',
    )
    .option(
      '--topic <arn>',
      'SNS topic for one message about each cluster with changes (default: only the destinations in the configuration get messages)',
    )
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit 1 if there are findings at or above this severity')
        .choices([...severities, 'never'])
        .default('high'),
    )
    .option('-q, --quiet', 'no progress, only the table')
    .option('--no-color', 'no colours (NO_COLOR does the same)')
    .addHelpText(
      'after',
      `
Examples:
  netns-audit fleet                                  the clusters of netns-audit.yaml
  netns-audit fleet --cluster prod-eu,prod-us --store s3://my-audits
  netns-audit fleet -o json | jq '.clusters[] | select(.verdict == "critical")'`,
    )
    .action(async (options: FleetOptions) => {
      const { auditFleet } = await import('../run-fleet.ts');
      await auditFleet(options);
    });
}
