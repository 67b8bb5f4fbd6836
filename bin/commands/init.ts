import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Tag } from '../../lib/cluster/eks-list.ts';
import { list } from '../options.ts';
import type { InitOptions } from '../run-init.ts';

/** `netns-audit init`. */
export function addInit(program: Command): void {
  program
    .command('init')
    .argument('[file]', 'the configuration to write', 'netns-audit.yaml')
    .description('write a first configuration with the clusters it finds')
    .option('--kubeconfig <file>', 'kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)')
    .option('--context <names>', 'only these contexts, comma-separated (default: all)', list)
    .option('--eks <regions>', 'the EKS clusters of these regions instead, comma-separated', list)
    .option('--tag <key=value>', 'only EKS clusters with this tag; a key alone matches any value', tag)
    .option('--force', 'overwrite the file')
    .addHelpText(
      'after',
      `
Sends no requests to the clusters. Overwrites a file only with --force.

Examples:
  netns-audit init                                   every context of the kubeconfig
  netns-audit init fleet.yaml --context prod-eu,prod-us
  netns-audit init --eks eu-west-1,us-east-1 --tag env=prod`,
    )
    .action(async (file: string, options: InitOptions) => {
      const { runInit } = await import('../run-init.ts');
      await runInit(file, options);
    });
}

function tag(text: string, before: readonly Tag[] = []): Tag[] {
  const [, key, , value] = /^([^=]+)(=(.*))?$/s.exec(text) ?? [];
  if (key === undefined) throw new InvalidArgumentError('It is key=value, or a key alone.');
  return [...before, { key, value: value ?? null }];
}
