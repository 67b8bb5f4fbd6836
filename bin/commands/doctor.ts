import { type Command, Option } from 'commander';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { ALERTS, addClusterOptions, type ClusterOptions, deadline } from '../options.ts';
import type { DoctorOptions } from '../run-doctor.ts';
import { clusterTarget } from './audit.ts';

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look at every link of the chain that an audit hangs on, and say how to mend it');
  addClusterOptions(command)
    .option('--node <name>', 'where a probe is run (default: the first node that can be probed)')
    .addOption(
      new Option('--deadline <time>', 'time for that probe, from 5s to 10m')
        .argParser(deadline)
        .default(120, '2m'),
    )
    .option('--probe-namespace <name>', 'namespace of the probe pods', DEFAULT_NAMESPACE)
    .option('--image <image>', 'image of the probe pods', DEFAULT_IMAGE)
    .option('--pull-secret <name>', 'image pull secret in that namespace')
    .addOption(new Option('--privileged', 'run the probe privileged, where the least rights are refused'))
    .option(
      '--store <place>',
      'directory or s3://bucket/prefix; none leaves it out (default: your data directory). Where no cluster, node, topic or alerts are named: reads all of it, and says what is damaged and how to mend it',
    )
    .option('--topic <arn>', 'SNS topic to send a test message to (default: none)')
    .option('--alerts <file>', `destinations to send a test message to: ${ALERTS}`)
    .action(async (options: ClusterOptions & DoctorOptions) => {
      const { runDoctorOfStore } = await import('../run-doctor-store.ts');
      if (options.store !== undefined && isAboutStoreAlone(options)) {
        await runDoctorOfStore(options.store);
        return;
      }
      const { runDoctor } = await import('../run-doctor.ts');
      await runDoctor(clusterTarget(options), options);
    });
}

/** Whoever names a store and nothing else asks about it, and needs no cluster for that. */
function isAboutStoreAlone(options: ClusterOptions & DoctorOptions): boolean {
  const { context, kubeconfig, eks, region, roleArn, externalId, node, topic, alerts } = options;
  return (
    options.store !== 'none' &&
    [context, kubeconfig, eks, region, roleArn, externalId, node, topic, alerts].every(
      (each) => each === undefined,
    )
  );
}
