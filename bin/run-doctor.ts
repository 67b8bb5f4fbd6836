/** `netns-audit doctor`: prints each prerequisite, and how to fix the broken ones. */
import { notifiersOf, SnsNotifier } from '../lib/alert/index.ts';
import {
  examineCluster,
  examinePlaces,
  examinePrerequisites,
  type Prerequisite,
} from '../lib/audit/doctor.ts';
import { targetOf } from '../lib/audit/fleet/connections.ts';
import { defaultStore, openStore } from '../lib/audit/index.ts';
import type { ClusterTarget } from '../lib/cluster/index.ts';
import { readSecret } from '../lib/cluster/secret.ts';
import { readConfig } from '../lib/config/read.ts';
import type { Config } from '../lib/model/config.ts';
import { AuditError } from '../lib/model/errors.ts';
import { printable } from '../lib/model/printable.ts';
import { chosenClusters } from './choose-clusters.ts';
import { EXIT, exitCodeOf, tryingAgain } from './exit.ts';
import { readAlerts } from './read-alerts.ts';
import { version } from './version.ts';

export type RunDoctorOptions = {
  readonly probeNamespace: string;
  readonly image: string;
  readonly pullSecret?: string;
  readonly privileged?: boolean;
  readonly node?: string;
  readonly deadline: number;
  readonly store?: string;
  readonly topic?: string;
  readonly alerts?: string;
};

export type FleetDoctorOptions = Pick<RunDoctorOptions, 'store' | 'topic' | 'alerts'> & {
  readonly cluster?: readonly string[];
};

const WORDS = { ok: 'ok     ', failed: 'BROKEN ', skipped: 'skipped' } as const;

/** Checks each prerequisite of an audit of the cluster, and prints each as soon as it is known; sets the exit code. */
export async function runDoctor(target: ClusterTarget, options: RunDoctorOptions): Promise<void> {
  await examined(async function* (common: Common) {
    yield* examinePrerequisites(target, {
      ...common,
      namespace: options.probeNamespace,
      image: options.image,
      pullSecret: options.pullSecret ?? null,
      privileged: options.privileged === true,
      node: options.node ?? null,
      deadlineSeconds: options.deadline,
    });
  }, options);
}

/** Checks each cluster of a configuration with its settings; then, once, where reports and messages go. */
export async function runDoctorOfFleet(file: string, options: FleetDoctorOptions): Promise<void> {
  const config = readConfig(file);
  const clusters = chosenClusters(config.clusters, { ...options, config: file });
  const { deadlineSeconds, image, namespace, privileged, pullSecret = null } = config.probe;
  const isCached = config.imageCache !== undefined;
  const probe = { deadlineSeconds, image, namespace, privileged, pullSecret, isCached, node: null };
  await examined(async function* (common: Common) {
    process.stdout.write(`${file}: in order\n`);
    for (const cluster of clusters) {
      process.stdout.write(`\n${printable(cluster.name)}\n`);
      yield* examineCluster(() => targetOf(cluster, { readSecret }), { ...common, ...probe });
    }
    process.stdout.write('\n');
    yield* examinePlaces(common);
    if (options.alerts === undefined && config.destinations.length > 0) yield secretsOf(config.destinations);
  }, options);
}

/** Sends nothing: only `--alerts` does. */
function secretsOf(destinations: Config['destinations']): Prerequisite {
  try {
    notifiersOf(destinations, process.env);
    return {
      name: 'destinations',
      result: 'ok',
      detail: 'their secrets are there; --alerts sends a test message',
    };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { name: 'destinations', result: 'failed', detail: error.message, error };
  }
}

type Common = Pick<
  Parameters<typeof examinePrerequisites>[1],
  'version' | 'store' | 'isStoreNamed' | 'notifiers' | 'onUnanswered' | 'signal'
>;

/** Prints each prerequisite as it comes; the exit code is that of the first broken one. */
async function examined(
  prerequisites: (common: Common) => AsyncIterable<Prerequisite>,
  options: Pick<RunDoctorOptions, 'store' | 'topic' | 'alerts'>,
): Promise<void> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const broken: AuditError[] = [];
  try {
    const common = {
      version: version(),
      store: openStore(options.store ?? defaultStore()),
      isStoreNamed: options.store !== undefined,
      notifiers: [
        ...(options.topic === undefined ? [] : [new SnsNotifier(options.topic)]),
        ...(options.alerts === undefined ? [] : readAlerts(options.alerts).notifiers),
      ],
      onUnanswered: (error: AuditError) => void process.stderr.write(tryingAgain(error)),
      signal: interrupt.signal,
    };
    for await (const { name, result, detail, error } of prerequisites(common)) {
      process.stdout.write(
        `${`${WORDS[result]}  ${name.padEnd(13)}  ${printable(detail, 500)}`.trimEnd()}\n`,
      );
      if (error === undefined) continue;
      broken.push(error);
      process.stdout.write(`${' '.repeat(24)}${printable(error.remedy, 600)}\n`);
    }
    process.exitCode = broken[0] === undefined ? EXIT.ok : exitCodeOf(broken[0]);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
