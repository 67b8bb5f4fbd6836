import type { Command } from 'commander';

type Options = { readonly out: string; readonly names?: string };

/** `netns-audit bundle`. */
export function addBundle(program: Command): void {
  program
    .command('bundle')
    .argument('<paths...>', 'evidence of one run: NODE.tar.gz files, or the folder that has them')
    .description('copy saved evidence with its names replaced, to share it')
    .option('--out <folder>', 'where the copies go; it must not exist', 'netns-audit-bundle')
    .option('--names <file>', 'also write which name replaced which, for your own use')
    .addHelpText(
      'after',
      `
Replaces the names of the cluster, nodes, namespaces, pods, workloads, Services
and domains: each gets the same new name everywhere. The copies are then
analyzed, and must give the same findings. Addresses, IDs, program names and the
kernel log are not changed: check them before you share the copy.

Example:
  netns-audit bundle ~/.local/share/netns-audit/evidence/cluster=prod-eu/dt=2026-11-20/20261120T020000Z-1a2b3c4d/`,
    )
    .action(async (paths: string[], options: Options) => {
      const { runBundle } = await import('../run-bundle.ts');
      await runBundle(paths, options);
    });
}
