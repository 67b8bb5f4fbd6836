import type { Command } from 'commander';
import { DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { printable } from '../../lib/model/printable.ts';
import { tryingAgain } from '../exit.ts';
import { addClusterOptions, type ClusterOptions } from '../options.ts';
import { version } from '../version.ts';
import { clusterTarget } from './audit.ts';

export function addSweep(program: Command): void {
  const command = program
    .command('sweep')
    .description('remove leftover debug pods of netns-auditor, also of runs under way');
  addClusterOptions(command)
    .option('-n, --namespace <name>', 'namespace of the probe pods', DEFAULT_NAMESPACE)
    .option('--expired', 'only those that no run can be waiting for')
    .action(async (options: ClusterOptions & { namespace: string; expired?: boolean }) => {
      const { connect, sweep } = await import('../../lib/cluster/index.ts');
      const cluster = await connect(clusterTarget(options), {
        version: version(),
        onUnanswered: (error) => process.stderr.write(tryingAgain(error)),
      });
      try {
        const removed = await sweep(cluster, options.namespace, options.expired === true ? Date.now() : null);
        process.stdout.write(
          removed.length === 0
            ? `Nothing left in namespace ${printable(options.namespace)}.\n`
            : removed.map((pod) => `Removed ${printable(pod)}\n`).join(''),
        );
      } finally {
        await cluster.transport.close();
      }
    });
}
