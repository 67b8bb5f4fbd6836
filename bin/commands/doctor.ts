import { type Command, Option } from 'commander';
import { AuditError } from '../../lib/model/errors.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { ALERTS, addClusterOptions, type ClusterOptions, deadline, list } from '../options.ts';
import type { RunDoctorOptions } from '../run-doctor.ts';
import { clusterTarget } from './audit.ts';

type Options = ClusterOptions &
  RunDoctorOptions & { readonly config?: string; readonly cluster?: readonly string[] };

/** `netns-audit doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('check every prerequisite of an audit and show how to fix what is broken');
  addClusterOptions(command)
    .optionsGroup('All clusters:')
    .option('--config <file>', 'check each cluster of this configuration, with its settings')
    .option('--cluster <names>', 'only these clusters, comma-separated', list)
    .optionsGroup('Options:')
    .option('--node <name>', 'node to probe (default: the first one that can be probed)')
    .addOption(
      new Option('--deadline <time>', 'time limit for that probe, from 5s to 10m')
        .argParser(deadline)
        .default(120, '2m'),
    )
    .option('--probe-namespace <name>', 'namespace of the probe pods', DEFAULT_NAMESPACE)
    .option('--image <image>', 'image of the probe pods', DEFAULT_IMAGE)
    .option('--pull-secret <name>', 'image pull secret in that namespace')
    .addOption(
      new Option('--privileged', 'run the probe privileged, if the cluster refuses it with fewer rights'),
    )
    .option(
      '--store <place>',
      'directory or s3://bucket/prefix; none skips it (default: your data directory). Without options ' +
        'for a cluster, node, topic or alerts: reads the whole store and shows how to repair what is damaged',
    )
    .option('--topic <arn>', 'SNS topic to send a test message to (default: none)')
    .option('--alerts <file>', `destinations to send a test message to: ${ALERTS}`)
    .addHelpText(
      'after',
      `
Examples:
  netns-audit doctor --context prod-eu
  netns-audit doctor --config fleet.yaml --store s3://my-audits --alerts fleet.yaml`,
    )
    .action(async (options: Options, used: Command) => {
      if (options.config !== undefined) {
        const { runDoctorOfFleet } = await import('../run-doctor.ts');
        refuseOfOneCluster(used);
        await runDoctorOfFleet(options.config, options);
        return;
      }
      if (options.cluster !== undefined)
        throw new AuditError('USAGE', '--cluster goes with --config', { remedy: 'Name the configuration.' });
      const { runDoctorOfStore } = await import('../run-doctor-store.ts');
      if (options.store !== undefined && isAboutStoreAlone(options)) {
        await runDoctorOfStore(options.store);
        return;
      }
      const { runDoctor } = await import('../run-doctor.ts');
      await runDoctor(clusterTarget(options), options);
    });
}

/** Refuses options that the configuration already sets for each of its clusters. */
function refuseOfOneCluster(used: Command): void {
  const ofAll = ['config', 'cluster', 'store', 'topic', 'alerts'];
  const [wrong] = used.options.filter(
    (option) =>
      !ofAll.includes(option.attributeName()) && used.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (wrong !== undefined)
    throw new AuditError('USAGE', `${wrong.long} is about one cluster, and --config about all of a file`, {
      remedy: 'Leave one of them out: clusters and the probe are set in the file.',
    });
}

/** A store and nothing else asks about that store, and needs no cluster. */
function isAboutStoreAlone(options: ClusterOptions & RunDoctorOptions): boolean {
  const { context, kubeconfig, eks, region, roleArn, externalId, node, topic, alerts } = options;
  return (
    options.store !== 'none' &&
    [context, kubeconfig, eks, region, roleArn, externalId, node, topic, alerts].every(
      (each) => each === undefined,
    )
  );
}
