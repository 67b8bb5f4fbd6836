import { type Command, Option } from 'commander';
import type { ClusterTarget } from '../../lib/cluster/index.ts';
import { type ActiveProbe, activeProbes } from '../../lib/model/active-probe.ts';
import { eksClusterOf } from '../../lib/model/arn.ts';
import { AuditError } from '../../lib/model/errors.ts';
import { namespacedName } from '../../lib/model/namespaced-name.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { printable } from '../../lib/model/printable.ts';
import {
  ALERTS,
  addClusterOptions,
  addOutputOptions,
  type ClusterOptions,
  deadline,
  EXCEPTIONS,
  list,
  podName,
  positive,
  seconds,
} from '../options.ts';
import type { RunOptions } from '../run-audit.ts';

/** As typed; converted to what a run needs. */
type Options = ClusterOptions &
  Omit<RunOptions, 'nodes' | 'selector' | 'pods' | 'active'> & {
    readonly nodes?: readonly string[];
    readonly selector?: readonly string[];
    readonly namespace?: string;
    readonly pod?: string;
    readonly active?: readonly string[];
  };

/** `netns-audit audit`. */
export function addAudit(program: Command): void {
  const command = program.command('audit').description('audit a cluster now');
  addClusterOptions(command)
    .optionsGroup('What is audited:')
    .option('--nodes <names>', 'only these nodes, comma-separated', list)
    .option('-l, --selector <labels>', 'only nodes with these labels, such as zone=a,gpu', list)
    .option('-n, --namespace <name>', 'only pods of this namespace, and their nodes')
    .option('--pod <namespace/name>', 'only one pod, and its node (with -n, the name is enough)')
    .optionsGroup('How it is audited:')
    .option('--active <kinds>', 'also send packets (ping,dns,cross) or start a test pod (cni)', list)
    .option(
      '--settle <time>',
      'ignore objects younger than this, such as 90s, 5m or 1h; 0s checks everything (default: 5m for pods, 15m for leaks)',
      seconds,
    )
    .addOption(
      new Option('--deadline <time>', 'time limit for one node, from 5s to 10m')
        .argParser(deadline)
        .default(120, '2m'),
    )
    .option('--concurrency <nodes>', 'nodes probed at once', positive, 10)
    .optionsGroup('The probe pods:')
    .option('--probe-namespace <name>', 'namespace they run in', DEFAULT_NAMESPACE)
    .option('--image <image>', 'their image', DEFAULT_IMAGE)
    .option('--pull-secret <name>', 'image pull secret in that namespace')
    .addOption(
      new Option('--privileged', 'run the probe privileged, if the cluster refuses it with fewer rights'),
    )
    .optionsGroup('Before and after:')
    .option(
      '--store <place>',
      'directory or s3://bucket/prefix for reports and evidence; none keeps nothing (default: your data directory)',
    )
    .option('--exceptions <file>', EXCEPTIONS)
    .option(
      '--alerts <file>',
      `where to send alerts about changes, for audits of the whole cluster: ${ALERTS}`,
    );
  addOutputOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  netns-audit audit                                  the current context
  netns-audit audit --context prod-eu --nodes node-7 --settle 0s
  netns-audit audit --eks prod-eu --region eu-west-1 -o json > report.json`,
    )
    .action(async (options: Options) => {
      checkSelection(options);
      checkAlerts(options);
      const { runAudit } = await import('../run-audit.ts');
      await runAudit(clusterTarget(options), {
        ...options,
        nodes: options.nodes ?? [],
        selector: options.selector ?? [],
        active: activeKinds(options.active ?? []),
        pods: podsOf(options),
      });
    });
}

/** @throws AuditError USAGE where the options contradict each other. */
export function clusterTarget(options: ClusterOptions): ClusterTarget {
  if (options.eks === undefined) {
    if (options.region !== undefined || options.roleArn !== undefined || options.externalId !== undefined) {
      throw usage('--region, --role-arn and --external-id go with --eks', 'Name the EKS cluster with --eks.');
    }
    return {
      kind: 'kubeconfig',
      ...(options.kubeconfig === undefined ? {} : { file: options.kubeconfig }),
      ...(options.context === undefined ? {} : { context: options.context }),
    };
  }
  const meant = eksClusterOf(options.eks);
  if (meant !== null)
    throw usage(
      '--eks is the name of the cluster, not its ARN',
      `Give --eks ${printable(meant.name)} --region ${printable(meant.region)}.`,
    );
  const region = options.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (region === undefined)
    throw usage(`--eks ${options.eks} needs a region`, 'Give --region, or set AWS_REGION.');
  if (options.kubeconfig !== undefined || options.context !== undefined)
    throw usage('--eks needs no kubeconfig', 'Leave out --kubeconfig and --context.');
  return {
    kind: 'eks',
    name: options.eks,
    region,
    ...(options.roleArn === undefined ? {} : { roleArn: options.roleArn }),
    ...(options.externalId === undefined ? {} : { externalId: options.externalId }),
  };
}

/** An empty selection, as from an unset shell variable, must not mean the whole cluster. */
function checkSelection({ nodes, selector, pod, namespace }: Options): void {
  if (nodes?.length === 0) throw usage('--nodes names no node', 'Name some, or leave it out for all.');
  if (selector?.length === 0) throw usage('--selector has no label', 'Give some, or leave it out for all.');
  if ((pod ?? namespace) !== undefined && (nodes ?? selector) !== undefined)
    throw usage(
      `${pod === undefined ? '--namespace chooses its nodes' : '--pod chooses its node'} by itself`,
      'Leave out --nodes and --selector.',
    );
}

function podsOf({ pod, namespace }: Options): RunOptions['pods'] {
  if (namespace === '') throw usage('--namespace is empty', 'Name one, or leave it out for all.');
  if (pod !== undefined) return podName(namespacedName({ namespace, name: pod }));
  return namespace === undefined ? null : { namespace, name: null };
}

/** The store keeps which alerts were sent, and changes are known only for the whole cluster. */
function checkAlerts({ alerts, store, nodes, selector, pod, namespace }: Options): void {
  if (alerts === undefined) return;
  if (store === 'none')
    throw usage('--alerts needs a store', 'Leave out --store none: the store records what was sent.');
  if ([nodes, selector, pod, namespace].some((each) => each !== undefined))
    throw usage(
      '--alerts goes with an audit of the whole cluster',
      'Leave out --nodes, --selector, --namespace and --pod, or --alerts.',
    );
}

function activeKinds(given: readonly string[]): ActiveProbe[] {
  const wrong = given.filter((kind) => !activeProbes.some((known) => known === kind));
  if (wrong.length > 0)
    throw usage(`--active ${wrong.join(',')} is not known`, `It takes ${activeProbes.join(', ')}.`);
  return activeProbes.filter((kind) => given.includes(kind));
}

function usage(message: string, remedy: string): AuditError {
  return new AuditError('USAGE', message, { remedy });
}
