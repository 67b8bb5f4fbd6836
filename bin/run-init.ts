/** `netns-audit init`: looks for clusters, writes a configuration, and says what comes next. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type KubeconfigContext, listContexts } from '../lib/cluster/contexts.ts';
import { listEksClusters, type Tag } from '../lib/cluster/eks-list.ts';
import { examineConfig } from '../lib/config/examine.ts';
import { configText, type FoundCluster } from '../lib/config/write.ts';
import { configSchema } from '../lib/model/config.ts';
import { AuditError, codeOf, whyUnreadable } from '../lib/model/errors.ts';
import { printable } from '../lib/model/printable.ts';
import { command } from '../lib/model/shell.ts';
import { plural } from '../lib/report/summary.ts';

export type InitOptions = {
  readonly kubeconfig?: string;
  readonly context?: readonly string[];
  readonly eks?: readonly string[];
  readonly tag?: readonly Tag[];
  readonly force?: boolean;
};

/**
 * Writes a first configuration with the clusters of a kubeconfig or of AWS regions.
 *
 * @throws AuditError USAGE if there is none, or the file exists
 */
export async function runInit(file: string, options: InitOptions): Promise<void> {
  const clusters =
    options.eks === undefined ? await ofKubeconfig(options) : await ofRegions(options.eks, options);
  if (clusters.length === 0)
    throw new AuditError('USAGE', 'no cluster was found', {
      remedy:
        options.eks === undefined
          ? 'Use --kubeconfig for a file that has contexts, or --eks for regions that have EKS clusters.'
          : 'Look into other regions, or leave out --tag.',
    });
  await write(file, configText(clusters), options.force === true);
  const eks = clusters.filter((cluster) => 'eks' in cluster).length;
  const local = clusters.length - eks;
  const named = command(file);
  process.stdout.write(
    `Wrote ${printable(file)} with ${plural(clusters.length, 'cluster')}: ${eks} on EKS, ${local} from your kubeconfig. Open it, and remove what you do not want.

Next:
  netns-audit config check ${named}      after each change
  netns-audit doctor --config ${named}   checks whether each cluster can be audited
  netns-audit fleet --config ${named}    audits them all now
${
  local === 0
    ? `To audit them every night on AWS, in a clone of netns-auditor (docs/operations.md): npx cdk deploy -c config=${named}\n`
    : 'A stack on AWS does not have your kubeconfig: docs/operations-clusters.md explains how it reaches such clusters.\n'
}`,
  );
}

async function ofKubeconfig({ kubeconfig, context, tag }: InitOptions): Promise<FoundCluster[]> {
  if (tag !== undefined)
    throw new AuditError('USAGE', '--tag goes with --eks', { remedy: 'Name the regions with --eks.' });
  const contexts = await listContexts(kubeconfig);
  const known = contexts.map(({ name }) => name);
  const wrong = context?.filter((name) => !known.includes(name)) ?? [];
  if (wrong.length > 0)
    throw new AuditError('USAGE', `the kubeconfig has no context ${wrong.join(', ')}`, {
      remedy: `It has: ${known.join(', ') || 'none'}`,
    });
  const chosen = contexts.filter(({ name }) => context?.includes(name) ?? true);
  // Several contexts of one EKS cluster, as of several namespaces, are one cluster.
  const clusters = [
    ...Map.groupBy(chosen, ({ name, eks }) => (eks === null ? name : JSON.stringify(eks))).values(),
  ];
  const found = clusters.map((same) => (byContext: boolean) => clusterOf(same, byContext, kubeconfig));
  const wrongAsEks = wrongOf(found.map((each) => each(false)));
  return found.map((each, index) => each(wrongAsEks.has(index)));
}

/** The cluster as EKS if it is one, unless it must be reached by its context. */
function clusterOf(
  same: readonly KubeconfigContext[],
  byContext: boolean,
  kubeconfig: string | undefined,
): FoundCluster {
  const names = same.map(({ name }) => name);
  const [name = ''] = names;
  const [{ eks = null } = {}] = same;
  const from = `${names.length === 1 ? 'Context' : 'Contexts'} ${names.join(', ')}`;
  if (eks === null || byContext)
    return {
      name,
      from: `${from}.`,
      kubeconfig: { context: name, ...(kubeconfig === undefined ? {} : { file: resolve(kubeconfig) }) },
    };
  // A name given by a person stays; `aws eks update-kubeconfig` uses an ARN.
  return {
    name: name.startsWith('arn:') ? eks.name : name,
    from: `${from}: EKS, reached by your AWS credentials.`,
    eks,
  };
}

/** The clusters that a configuration would reject, such as those in an unknown region. */
function wrongOf(clusters: readonly FoundCluster[]): Set<number> {
  const { mistakes = [] } = examineConfig(configText(clusters), configSchema);
  return new Set(mistakes.map(({ path }) => Number(/^clusters\[(\d+)\]/.exec(path)?.[1])));
}

async function ofRegions(
  regions: readonly string[],
  { tag = [], kubeconfig, context }: InitOptions,
): Promise<FoundCluster[]> {
  if (kubeconfig !== undefined || context !== undefined)
    throw new AuditError('USAGE', '--eks needs no kubeconfig', {
      remedy: 'Leave out --kubeconfig and --context, or --eks.',
    });
  const found: FoundCluster[] = [];
  for (const region of regions) {
    const names = await listEksClusters(region, tag);
    if (names.length === 0) process.stderr.write(`No such EKS cluster in ${printable(region)}.\n`);
    for (const name of names) found.push({ name, from: `EKS cluster of ${region}.`, eks: { name, region } });
  }
  return found;
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const exists = codeOf(error) === 'EEXIST';
    throw new AuditError('USAGE', `${file}: ${exists ? 'it is there already' : whyUnreadable(error)}`, {
      cause: error,
      remedy: exists
        ? 'Name another file, or overwrite it with --force.'
        : 'Name a file that can be written.',
    });
  }
}
