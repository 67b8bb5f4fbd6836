/** The contexts of a kubeconfig, and which of them are EKS clusters that need no kubeconfig. */
import { basename } from 'node:path';
import type { User } from '@kubernetes/client-node';
import { parse } from 'yaml';
import * as z from 'zod';
import { kubeconfigTexts, loadKubeconfig } from './load-kubeconfig.ts';

export type KubeconfigContext = {
  readonly name: string;
  /** The EKS cluster, if its credentials come from `aws eks get-token` without a profile of its own. */
  readonly eks: { readonly name: string; readonly region: string; readonly roleArn?: string } | null;
};

const execSchema = z.object({
  command: z.string(),
  args: z
    .array(z.string())
    .nullish()
    .transform((args) => args ?? []),
  env: z
    .array(z.object({ name: z.string() }))
    .nullish()
    .transform((env) => env ?? []),
});

/** In the order of the file; empty if there is no kubeconfig. @throws AuditError KUBECONFIG_INVALID */
export async function listContexts(file?: string): Promise<KubeconfigContext[]> {
  const target = { kind: 'kubeconfig', ...(file === undefined ? {} : { file }) } as const;
  const { config } = await loadKubeconfig(target, {});
  // Without a file the client uses a default context.
  if (kubeconfigTexts(target).length === 0) return [];
  return config.getContexts().map(({ name, user }) => ({ name, eks: eksOf(config.getUser(user)) }));
}

function eksOf(user: User | null): KubeconfigContext['eks'] {
  const exec = execSchema.safeParse(user?.exec ?? {}).data;
  if (exec === undefined || basename(exec.command) !== 'aws' || !exec.args.includes('get-token')) return null;
  const { args, env } = exec;
  const value = (...options: string[]): string | undefined => {
    const index = args.findIndex((each) => options.includes(each));
    return index === -1 ? undefined : args[index + 1];
  };
  const name = value('--cluster-name', '--cluster-id');
  const region = value('--region');
  const isOfProfile = args.includes('--profile') || env.some((each) => each.name === 'AWS_PROFILE');
  if (name === undefined || region === undefined || isOfProfile) return null;
  const roleArn = value('--role-arn', '--role');
  return { name, region, ...(roleArn === undefined ? {} : { roleArn }) };
}

const namesSchema = z.object({ contexts: z.array(z.object({ name: z.string() })).nullish() });

/** Only the names of the contexts, without the large client, for shell completion. @throws if it is not a kubeconfig */
export function contextNames(file?: string): string[] {
  const texts = kubeconfigTexts({ kind: 'kubeconfig', ...(file === undefined ? {} : { file }) });
  return [
    ...new Set(
      texts.flatMap(
        ({ text }) => namesSchema.parse(parse(text) ?? {}).contexts?.map(({ name }) => name) ?? [],
      ),
    ),
  ];
}
