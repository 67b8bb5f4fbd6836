import { type Command, Option } from 'commander';
import { leftOut } from '../damage.ts';
import { terminalWidth } from '../options.ts';
import { type Common, clusterNames, hrefOf, json, opened, subcommand } from '../reports-store.ts';

const formats = ['text', 'json', 'html'] as const;

type FleetOptions = Common & { readonly ascii?: boolean; readonly output: (typeof formats)[number] };

/** `netns-audit reports fleet`. */
export function addFleetReport(parent: Command): void {
  subcommand(parent, 'fleet', 'the latest audit of each cluster, worst first')
    .option('--ascii', 'no Unicode bars (default where the locale is not UTF-8)')
    .addOption(
      new Option('-o, --output <format>', 'what goes to standard output').choices(formats).default('text'),
    )
    .action(async (options: FleetOptions) => {
      const { latestOfEach } = await import('../../lib/audit/fleet/index.ts');
      const { fleetPage } = await import('../../lib/report/index.ts');
      const store = await opened(options);
      const names = await clusterNames(store, options);
      const fleet = await latestOfEach(store, names, new Date(), (key) => hrefOf(store, key), leftOut());
      if (options.output === 'html') process.stdout.write(fleetPage(fleet));
      else if (options.output === 'json') process.stdout.write(json(fleet));
      else {
        const { fleetText } = await import('../reports-text.ts');
        const { isAsciiOnly } = await import('../sparkline.ts');
        process.stdout.write(
          fleetText(fleet, {
            ascii: options.ascii ?? isAsciiOnly(process.env),
            width: terminalWidth(process.stdout),
          }),
        );
      }
    });
}
