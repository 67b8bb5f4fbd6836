import type { Command } from 'commander';
import { DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { printable } from '../../lib/model/printable.ts';
import { tryingAgain } from '../exit.ts';
import { addClusterOptions, type ClusterOptions } from '../options.ts';
import { version } from '../version.ts';
import { clusterTarget } from './audit.ts';

/** `netns-audit sweep`. */
export function addSweep(program: Command): void {
  const command = program.command('sweep').description('remove probe pods that a killed audit left behind');
  addClusterOptions(command)
    .option('--probe-namespace <name>', 'namespace of the probe pods', DEFAULT_NAMESPACE)
    .option('--all', 'also remove those of running audits, which then fail')
    .action(async (options: ClusterOptions & { probeNamespace: string; all?: boolean }) => {
      const { plural } = await import('../../lib/report/summary.ts');
      const { connect, sweep } = await import('../../lib/cluster/index.ts');
      const cluster = await connect(clusterTarget(options), {
        version: version(),
        onUnanswered: (error) => process.stderr.write(tryingAgain(error)),
      });
      try {
        const { removed, left } = await sweep(
          cluster,
          options.probeNamespace,
          options.all === true ? null : Date.now(),
        );
        for (const pod of removed) process.stdout.write(`Removed ${printable(pod)}\n`);
        if (left.length > 0)
          process.stdout.write(
            `${plural(left.length, 'probe pod')} left, as an audit may be waiting for ` +
              `${left.length === 1 ? 'it' : 'them'}: --all removes ${left.length === 1 ? 'it' : 'them'} as well.\n`,
          );
        else if (removed.length === 0)
          process.stdout.write(`No probe pods in namespace ${printable(options.probeNamespace)}.\n`);
      } finally {
        await cluster.transport.close();
      }
    });
}
