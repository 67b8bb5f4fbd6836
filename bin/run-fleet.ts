/** `netns-audit fleet`: audits the clusters of a configuration and prints one line for each. */
import { notifiersOf, SnsNotifier } from '../lib/alert/index.ts';
import { type FleetProgress, type FleetReport, runFleet } from '../lib/audit/fleet/index.ts';
import { defaultStore, openStore, reportOfRun } from '../lib/audit/index.ts';
import { discoverClusters } from '../lib/cluster/discover.ts';
import { readSecret } from '../lib/cluster/secret.ts';
import { readConfig } from '../lib/config/read.ts';
import { hasFindings, isIncomplete } from '../lib/diagnosis/verdict.ts';
import type { Store } from '../lib/history/index.ts';
import { httpsFormat } from '../lib/model/config.ts';
import { printable } from '../lib/model/printable.ts';
import { chosenClusters } from './choose-clusters.ts';
import { EXIT, explain, tryingAgain } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { type FailOn, wantsColour } from './options.ts';
import { progressOn } from './progress.ts';
import { version } from './version.ts';

export type FleetOptions = {
  readonly config: string;
  readonly cluster?: readonly string[];
  readonly concurrency?: number;
  readonly store?: string;
  readonly topic?: string;
  readonly output: 'text' | 'json';
  readonly failOn: FailOn;
  readonly quiet?: boolean;
  readonly color: boolean;
};

/**
 * Audits the chosen clusters of a configuration, a few at a time; a failure affects only its cluster. Sets
 * the exit code.
 *
 * @throws AuditError CONFIG_INVALID, USAGE if the configuration cannot be used
 */
export async function auditFleet(options: FleetOptions): Promise<void> {
  const config = readConfig(options.config);
  const clusters = chosenClusters(config.clusters, options);
  const { topic } = options;
  const notifiers = [
    ...(topic === undefined ? [] : [new SnsNotifier(topic, { https: httpsFormat(config) })]),
    ...notifiersOf(config.destinations, process.env),
  ];
  const progress = progressOn(process.stderr, {
    quiet: options.quiet === true,
    colour: wantsColour(process.stderr, options.color),
  });
  const interrupt = onInterrupt(progress.say);
  try {
    const place = openStore(options.store ?? defaultStore());
    const { concurrency } = config;
    const { fleet, store } = await runFleet(
      place,
      {
        ...config,
        clusters,
        // Naming clusters excludes all others.
        ...(options.cluster === undefined ? {} : { discover: undefined }),
        concurrency: { ...concurrency, clusters: options.concurrency ?? concurrency.clusters },
      },
      {
        connections: { version: version(), readSecret },
        find: async (discover) =>
          await discoverClusters(discover, process.env.AWS_REGION ?? discover.regions[0] ?? ''),
        notifiers,
        signal: interrupt.signal,
        onProgress: (each) => showProgress(each, progress.say),
      },
    );
    process.stdout.write(options.output === 'json' ? `${JSON.stringify(fleet, null, 2)}\n` : table(fleet));
    process.exitCode = await exitCodeOf(fleet, store, options.failOn);
    if (place !== null) progress.say(`Kept in ${place.location} as run ${fleet.runId}.`);
  } finally {
    interrupt.end();
  }
}

function showProgress(progress: FleetProgress, say: (text: string) => void): void {
  if (progress.kind === 'planned')
    say(
      `${progress.cluster}: ${progress.nodes === 0 ? 'it has no nodes' : `auditing, nodes: ${progress.nodes}`}`,
    );
  if (progress.kind === 'unanswered')
    say(`${progress.cluster}: ${printable(tryingAgain(progress.error).trimEnd(), 500)}`);
  if (progress.kind === 'damaged')
    say(`${progress.cluster}: left out: ${progress.error.message}\n  ${progress.error.remedy}`);
  if (progress.kind === 'failed')
    say(
      `${progress.cluster}: ${printable(
        explain(progress.error)
          .replace('netns-audit: ', '')
          .trim()
          .replaceAll(/\.?\s*\n\s*/g, '. '),
        500,
      )}`,
    );
  if (progress.kind === 'concluded') {
    const { cluster, verdict } = progress.conclusion;
    say(`${cluster}: ${verdict}`);
  }
}

const HEAD = [
  'CLUSTER',
  'VERDICT',
  'CRITICAL',
  'HIGH',
  'MEDIUM',
  'LOW',
  'NEW',
  'RESOLVED',
  'AUDITED',
  'MISSED',
  'SKIPPED',
];

/** One line per cluster, in columns. */
function table(fleet: FleetReport): string {
  const rows = fleet.clusters.map((each) => {
    if (!('verdict' in each)) return [each.cluster, 'no report', ...HEAD.slice(2).map(() => '-')];
    const { cluster, verdict, reached, findings, nodes, resolved } = each;
    return [
      cluster,
      reached ? verdict : 'unreachable',
      ...[findings.critical, findings.high, findings.medium, findings.low, each.new, resolved],
      ...[nodes.audited, nodes.partial + nodes.failed, nodes.skipped],
    ].map(String);
  });
  const widths = HEAD.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [HEAD, ...rows]
    .map((row) =>
      row
        .map((text, column) =>
          column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The worst of all clusters: not delivered, findings, out of reach, incomplete. */
async function exitCodeOf(fleet: FleetReport, store: Store, failOn: FailOn): Promise<number> {
  const codes = await Promise.all(
    fleet.clusters.map(async (each) => {
      if (!('verdict' in each)) return EXIT.undelivered;
      const report = await reportOfRun(store, { cluster: each.cluster, runId: fleet.runId });
      if (report === null) return EXIT.undelivered;
      if (!each.reached) return EXIT.unreachable;
      if (failOn !== 'never' && hasFindings(report, failOn)) return EXIT.findings;
      return isIncomplete(report) ? EXIT.incomplete : EXIT.ok;
    }),
  );
  const worst = [EXIT.undelivered, EXIT.findings, EXIT.unreachable, EXIT.incomplete];
  return worst.find((code) => codes.some((each) => each === code)) ?? EXIT.ok;
}
