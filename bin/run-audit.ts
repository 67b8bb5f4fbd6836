/** `netns-audit audit`: connect, audit, keep, print. */

import { auditCluster, defaultStore, keepEvidence, openStore, publish, tell } from '../lib/audit/index.ts';
import {
  type Cluster,
  type ClusterTarget,
  connect,
  ensureNamespace,
  listPodsInNamespace,
} from '../lib/cluster/index.ts';
import { ofAuditedNodes } from '../lib/diagnosis/part.ts';
import { keys, latestReport, type Store } from '../lib/history/index.ts';
import { AuditError } from '../lib/model/errors.ts';
import { namespacedName } from '../lib/model/namespaced-name.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { SETTLE_SECONDS } from '../lib/model/settle.ts';
import type { Format } from '../lib/report/index.ts';
import { checkAgain, type OptionsAgain, remediateAgain } from './check-again.ts';
import { warnOfDamage } from './damage.ts';
import { exitCodeOf, explain, tryingAgain } from './exit.ts';
import { logCommand } from './in-pod.ts';
import { onInterrupt } from './interrupt.ts';
import { type FailOn, wantsColour } from './options.ts';
import { pageOptions } from './page-options.ts';
import { printReport } from './print-report.ts';
import { progressOn } from './progress.ts';
import { type Alerts, readAlerts } from './read-alerts.ts';
import { noteOtherClusters, readExceptions } from './read-exceptions.ts';
import { hrefOf } from './reports-store.ts';
import { version } from './version.ts';

export type RunOptions = OptionsAgain & {
  readonly nodes: readonly string[];
  readonly selector: readonly string[];
  /** Pods of this namespace, or one of them: their nodes are audited, and findings about them shown. */
  readonly pods: { readonly namespace: string; readonly name: string | null } | null;
  readonly settle?: number;
  readonly deadline: number;
  readonly concurrency: number;
  readonly alerts?: string;
  readonly output: Format;
  readonly failOn: FailOn;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly details?: boolean;
  readonly color: boolean;
};

/**
 * Audits one cluster, keeps and prints its report, tells destinations, and sets the exit code.
 *
 * @throws AuditError USAGE, CLUSTER_*, ABORTED if the audit fails; STORE if its report cannot be kept
 */
export async function runAudit(target: ClusterTarget, options: RunOptions): Promise<void> {
  const exceptions = readExceptions(options.exceptions);
  const alerts = options.alerts === undefined ? null : readAlerts(options.alerts);
  const progress = progressOn(process.stderr, {
    quiet: options.quiet === true,
    colour: wantsColour(process.stderr, options.color),
  });
  const interrupt = onInterrupt(progress.say);
  const cluster = await connect(target, {
    version: version(),
    signal: interrupt.signal,
    onUnanswered: (error) => progress.say(tryingAgain(error).trimEnd()),
  });
  try {
    const store = openStore(options.store ?? defaultStore());
    if (await ensureNamespace(cluster, options.probeNamespace, interrupt.signal))
      progress.say(`Created the namespace ${options.probeNamespace} for the probe pods.`);
    const runId = newRunId(new Date(), `${cluster.uid} ${process.pid} ${Math.random()}`);
    const previous = store === null ? null : await latestReport(store, cluster, warnOfDamage());
    const run = { cluster: cluster.name, runId };
    const names =
      options.pods === null
        ? options.nodes
        : await nodesOf(cluster, options.pods, { signal: interrupt.signal });
    const keeping: { failure: unknown } = { failure: null };
    const report = await auditCluster(cluster, {
      runId,
      namespace: options.probeNamespace,
      image: options.image,
      pullSecret: options.pullSecret ?? null,
      privileged: options.privileged === true,
      deadlineSeconds: options.deadline,
      active: options.active,
      settleSeconds:
        options.settle === undefined ? SETTLE_SECONDS : { pod: options.settle, orphan: options.settle },
      selection: { names, labels: options.selector },
      concurrency: options.concurrency,
      previous,
      exceptions,
      auditorVersion: version(),
      signal: interrupt.signal,
      onProgress: progress.show,
      onGathered: async (gathered, record) => {
        if (store === null || keeping.failure !== null) return;
        try {
          await keepEvidence(store, run, gathered, record);
        } catch (error) {
          keeping.failure = error;
        }
      },
    });
    progress.end();
    const shown = report.scope === 'part' ? ofAuditedNodes(report, options.pods) : report;
    const inPod = cluster.inPod === true;
    const reached = { target, kubectl: cluster.kubectl };
    const drawn = options.pods === null;
    noteOtherClusters(exceptions, report.cluster.name);
    printReport(
      shown,
      {
        ...options,
        inPod,
        checkAgain: inPod ? null : checkAgain(shown, reached, options),
        remediateWith: remediateAgain(reached, options),
        ...(store === null || inPod ? { store: null } : {}),
      },
      options.output === 'html' ? await pageOptions(drawn ? store : null, report) : {},
    );
    if (store !== null) {
      const keep = async (): Promise<string> => {
        await publish(store, report);
        if (keeping.failure !== null) throw keeping.failure;
        const kept = `Kept in ${store.location} as run ${runId}.`;
        if (inPod) return kept;
        return `${kept}\nAs a page: ${hrefOf(store, keys.reportPage({ cluster: cluster.name, runId }))}`;
      };
      await deliver(keep, progress.say);
      if (alerts !== null)
        await deliver(
          () => sendAlerts(store, report, alerts, inPod ? logCommand(store, process.env) : null),
          progress.say,
        );
    }
  } finally {
    progress.end();
    await cluster.transport.close();
    interrupt.end();
  }
}

/** @throws AuditError USAGE when there is no such pod, or none has a node yet */
async function nodesOf(
  cluster: Cluster,
  pods: NonNullable<RunOptions['pods']>,
  list: { signal: AbortSignal },
): Promise<string[]> {
  const found = await listPodsInNamespace(cluster, pods, list);
  const nodes = new Set(found.flatMap(({ node }) => node ?? []));
  if (nodes.size > 0) return [...nodes];
  const { namespace, name } = pods;
  throw new AuditError(
    'USAGE',
    name === null
      ? `no pod of ${namespace} is on a node yet`
      : `pod ${namespacedName({ namespace, name })} is on no node yet`,
    { remedy: `See why: kubectl describe pods -n ${namespace}${name === null ? '' : ` ${name}`}` },
  );
}

async function sendAlerts(
  store: Store,
  report: ClusterReport,
  { notifiers, thresholds }: Alerts,
  command: string | null,
): Promise<string> {
  const said = await tell(store, report, thresholds, {
    notifiers,
    command,
    consoleRegion: null,
    onDamage: warnOfDamage(),
  });
  return `${said ? 'Alerts sent to' : 'Nothing new to send to'} ${notifiers.map(({ destination }) => destination).join(', ')}.`;
}

/** The report is already printed: a failing store does not undo that; its error is shown and sets its own exit code. */
async function deliver(act: () => Promise<string>, say: (text: string) => void): Promise<void> {
  try {
    say(await act());
  } catch (error) {
    process.stderr.write(explain(error));
    process.exitCode = exitCodeOf(error);
  }
}
