import { type Command, Option } from 'commander';
import { AuditError } from '../../lib/model/errors.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE, REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import {
  addClusterOptions,
  type ClusterOptions,
  deadline,
  EXCEPTIONS,
  podName,
  positive,
  settleToDelete,
} from '../options.ts';
import type { RemediateOptions } from '../plan-remediate.ts';
import { clusterTarget } from './audit.ts';

type Options = ClusterOptions &
  Omit<RemediateOptions, 'report' | 'asked' | 'limit' | 'mayLose'> & {
    readonly losePod?: readonly string[];
    readonly only?: string;
    readonly node?: string;
    readonly pod?: string;
    readonly drain?: boolean;
    readonly limit?: number;
  };

/** Default limit of objects that one call may repair. */
const LIMIT = 10;

const EXAMPLES = `
Examples:
  netns-audit remediate                     what could be repaired, and what not
  netns-audit remediate --only pod-interface-missing --rehearse
  netns-audit remediate --only namespace-orphaned --apply --limit 2000
  netns-audit remediate --pod shop/web-1 --apply
  netns-audit remediate --undo 20261129T210000Z-1a2b3c4d --apply
  netns-audit remediate -o script > repairs.sh    to read, and run by hand`;

/** `netns-audit remediate`. Long, as its options are one list, with the help and the rules of which go together. */
export function addRemediate(program: Command): void {
  const command = program
    .command('remediate')
    .argument('[run]', 'run whose findings are repaired (default: the latest of the cluster)')
    .description('plan repairs and make them, checking each object before and after');
  addClusterOptions(command)
    .optionsGroup('What is repaired:')
    .option('--only <check>', 'only findings of this check')
    .option('--node <name>', 'only on this node')
    .option('--pod <namespace/name>', 'only this pod, whatever kind of controller recreates it, or none')
    .option(
      '--limit <objects>',
      `at most this many objects: pods, namespaces, links, addresses (default: ${LIMIT})`,
      positive,
    )
    .option(
      '--lose-pod <namespace/name...>',
      'a reboot may lose this pod, which nothing recreates, or the data that it keeps on the node; a new pod in its place the data',
    )
    .option(
      '--drain',
      'in place of a reboot: drain the node, and print the commands that replace its machine',
    )
    .option('--fresh', 'run a new audit instead of using a report from the store')
    .option('--undo <run>', 'take back what this run of remediate put back, in place of findings')
    .optionsGroup('Whether it is done:')
    .option('--rehearse', 'check each object again and show what would be done, but change nothing')
    .option('--apply', 'repair, after asking')
    .option('--yes', 'with --apply and --limit: do not ask (creating a pod from a record always does)')
    .addOption(
      new Option(
        '-o, --output <format>',
        'how the plan is printed; script: commands to review and run by hand',
      )
        .choices(['text', 'json', 'script'])
        .default('text'),
    )
    .addOption(
      new Option('--settle <time>', 'minimum age of an orphaned namespace, at least 5m')
        .argParser(settleToDelete)
        .default(900, '15m'),
    )
    .optionsGroup('The pods that check and repair:')
    .option('--probe-namespace <name>', 'namespace of the pods that check', DEFAULT_NAMESPACE)
    .option('--repair-namespace <name>', 'namespace of the pods that repair nodes', REPAIR_NAMESPACE)
    .option('--image <image>', 'their image', DEFAULT_IMAGE)
    .option('--pull-secret <name>', 'image pull secret in that namespace')
    .addOption(
      new Option('--deadline <time>', 'time limit for one node, from 5s to 10m')
        .argParser(deadline)
        .default(120, '2m'),
    )
    .optionsGroup('Before and after:')
    .option('--exceptions <file>', EXCEPTIONS)
    .option(
      '--store <place>',
      'where reports are read and records of repairs are written (default: your data directory)',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (run: string | undefined, options: Options) => {
      const { only, limit, losePod = [], ...rest } = options;
      if (options.yes === true && limit === undefined)
        throw new AuditError('USAGE', '--yes goes with --limit', {
          remedy: 'Set how many repairs can be made without asking.',
        });
      if (options.apply === true && options.rehearse === true)
        throw new AuditError('USAGE', '--apply and --rehearse contradict each other', {
          remedy: 'Rehearse first, then apply.',
        });
      if (options.undo !== undefined) assertUndoAlone(run, options);
      if (options.probeNamespace === options.repairNamespace)
        throw new AuditError('USAGE', '--probe-namespace and --repair-namespace are the same', {
          remedy: 'Use two namespaces: different people can start pods in each.',
        });
      if (only !== undefined) await assertCheck(only);
      const { runRemediate } = await import('../run-remediate.ts');
      await runRemediate(clusterTarget(options), {
        ...rest,
        ...(run === undefined ? {} : { report: run }),
        asked: askedOf(options),
        limit: limit ?? LIMIT,
        mayLose: losePod.map((each) => podName(each, '--lose-pod')),
      });
    });
}

function askedOf({ only, node, pod, drain }: Options): RemediateOptions['asked'] {
  if (drain === true && pod !== undefined)
    throw new AuditError('USAGE', '--drain does not go with --pod', {
      remedy: 'Name the node to drain: --only CHECK --node NODE.',
    });
  return {
    ...(only === undefined ? {} : { check: only }),
    ...(node === undefined ? {} : { node }),
    ...(pod === undefined ? {} : { pod: podName(pod) }),
    ...(drain === true ? { drain } : {}),
  };
}

/** What a run did is known by its records: nothing of a report chooses among them. */
function assertUndoAlone(run: string | undefined, { only, pod, drain, fresh, output }: Options): void {
  const other = [
    run === undefined ? null : 'a run whose findings are repaired',
    only === undefined ? null : '--only',
    pod === undefined ? null : '--pod',
    drain === true ? '--drain' : null,
    fresh === true ? '--fresh' : null,
    output === 'script' ? '-o script' : null,
  ].find((each) => each !== null);
  if (other !== undefined)
    throw new AuditError('USAGE', `--undo does not go with ${other}`, {
      remedy: 'Choose among what it put back with --node and --limit.',
    });
}

/** A wrong name would look as if there were nothing to repair. */
async function assertCheck(id: string): Promise<void> {
  const { catalogue } = await import('../../lib/checks/catalogue.ts');
  if (catalogue.some((check) => check.id === id)) return;
  throw new AuditError('USAGE', `--only ${id}: there is no such check`, {
    remedy: 'See their names: netns-audit checks',
  });
}
