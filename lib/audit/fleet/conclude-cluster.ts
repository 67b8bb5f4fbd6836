/** Ends the run of one cluster: its report, whatever happened to its batches, and one message. */
import {
  coverageShare,
  type EventBus,
  type FindingImporter,
  type Notifier,
  securityHubFindings,
} from '../../alert/index.ts';
import {
  keys,
  latestReportOf,
  type OnDamage,
  type Run,
  reportOfRun,
  type Store,
  unlessDamaged,
  unlessDamagedNow,
} from '../../history/index.ts';
import { clusterSummary } from '../../model/cluster-summary.ts';
import type { Exception } from '../../model/exception.ts';
import { forEachLimited } from '../../model/limit.ts';
import type { NodeResult } from '../../model/node-result.ts';
import type { ClusterReport } from '../../model/report.ts';
import { timeOf } from '../../model/run-id.ts';
import { totalsOf } from '../../model/totals.ts';
import { concludeRun } from '../conclude-run.ts';
import { publish } from '../publish.ts';
import { consolePage, tell } from '../tell.ts';
import { kubectlOf } from './kubeconfig.ts';
import { type Conclusion, failureText, type StepFailure, type Task } from './messages.ts';
import { keepConclusion, readKeptExceptions, readPlan, readResults } from './work.ts';

/** Batches that are fetched at once. */
const AT_ONCE = 8;

/**
 * May be called again at any point: the first written report holds, and a recorded message
 * is not sent twice.
 *
 * @throws AuditError STORE, ALERT; both if a retry is needed
 */
export async function concludeClusterOfFleet(
  store: Store,
  { task, failure }: { readonly task: Task; readonly failure: StepFailure | null },
  deps: {
    readonly notifiers: readonly Notifier[];
    /** Default: findings go to no Security Hub. */
    readonly importer?: FindingImporter | null;
    /** Default: changes go to no event bus. */
    readonly bus?: EventBus | null;
    readonly version: string;
    /** Called for damaged parts of the store, which are left out. */
    readonly onDamage: OnDamage;
    readonly consoleRegion: string | null;
    /** Reports a longer time between two runs. Default: never, as where an alarm watches the schedule. */
    readonly expectedWithinHours?: number;
    /** Called each time the report is in the store, before any notification. */
    readonly onReport?: (concluded: Omit<Conclusion, 'told'>) => void;
    /** Ends sending to Security Hub when time runs out. */
    readonly signal?: AbortSignal;
  },
): Promise<Conclusion> {
  const run = { cluster: task.cluster.name, runId: task.runId };
  const plan = await unlessDamaged(() => readPlan(store, run), deps.onDamage);
  const exceptions = await readKeptExceptions(store, run.runId);
  const report =
    (await reportOfRun(store, run)) ??
    (plan === null
      ? await unreached(store, run, { ...deps, reason: reasonOf(failure), exceptions })
      : concludeRun({
          record: plan.record,
          checks: task.checks,
          finishedAt: new Date().toISOString(),
          results: await results(store, run, plan.batches, deps.onDamage),
          previous: await previousOf(store, run, plan.record.previousRunId, deps.onDamage),
          exceptions,
          kubectl: kubectlOf(task.cluster),
        }));
  await publish(store, report, { inFleet: true, consoleRegion: deps.consoleRegion });
  const concluded = {
    ...conclusionOf(report, plan !== null ? null : reasonOf(failure)),
    ...(task.removed === undefined ? {} : { removed: task.removed }),
  };
  const { notifiers, importer = null, consoleRegion, signal, onReport } = deps;
  onReport?.(concluded);
  const send = async (): Promise<void> => {
    if (importer === null) return;
    const { productArn } = importer;
    const page = consolePage(store, keys.reportPage(run), consoleRegion);
    const findings = securityHubFindings(report, { productArn, cluster: task.cluster, page });
    await importer.import(findings, signal);
  };
  // Neither misses its news because the other is down.
  const [notified, imported] = await Promise.allSettled([
    notifiers.length > 0 && tell(store, report, task.settings.thresholds, { ...deps, notifiers }),
    send(),
  ]);
  if (notified.status === 'rejected') throw notified.reason;
  if (imported.status === 'rejected') throw imported.reason;
  const conclusion = { ...concluded, told: notified.value };
  await keepConclusion(store, run, conclusion);
  return conclusion;
}

/** The report to compare with, as planned; if damaged meanwhile, its replacement. */
async function previousOf(
  store: Store,
  { cluster }: Run,
  runId: string | null,
  onDamage: OnDamage,
): Promise<ClusterReport | null> {
  if (runId === null) return null;
  const planned = await unlessDamaged(() => reportOfRun(store, { cluster, runId }), onDamage);
  return planned ?? (await latestReportOf(store, cluster, onDamage));
}

/** Results of the batches, one batch at a time; nodes of a batch without results have failed. */
async function results(
  store: Store,
  run: Run,
  batches: readonly (readonly string[])[],
  onDamage: OnDamage,
): Promise<Iterable<NodeResult>> {
  const brought = new Map<number, Awaited<ReturnType<typeof readResults>>>();
  await forEachLimited([...batches.keys()], AT_ONCE, async (batch) => {
    const read = (): ReturnType<typeof readResults> => readResults(store, run, batch);
    brought.set(batch, await unlessDamaged(read, onDamage));
  });
  return (function* () {
    for (const [batch, nodes] of batches.entries()) {
      const found = unlessDamagedNow(() => brought.get(batch)?.() ?? null, onDamage) ?? [];
      const known = new Set(found.map((result) => result.node));
      yield* found;
      for (const node of nodes)
        if (!known.has(node)) yield failedNode(node, 'its batch ended without a result');
    }
  })();
}

/** The report of a cluster that could not be planned: nothing is healthy, and nothing is resolved. */
async function unreached(
  store: Store,
  run: Run,
  {
    version,
    reason,
    exceptions,
    onDamage,
  }: { version: string; reason: string; exceptions: readonly Exception[]; onDamage: OnDamage },
): Promise<ClusterReport> {
  const previous = await latestReportOf(store, run.cluster, onDamage);
  const wanted = previous?.coverage.nodes.filter((node) => node.result !== 'skipped') ?? [];
  const startedAt = timeOf(run.runId);
  return concludeRun({
    record: {
      version,
      runId: run.runId,
      cluster: previous?.cluster ?? { name: run.cluster, uid: '', version: '' },
      // It examined no part of the cluster, so it never becomes the latest report.
      scope: 'part',
      startedAt,
      settleSeconds: { pod: 0, orphan: 0 },
      active: [],
      previousRunId: previous?.runId ?? null,
    },
    finishedAt: startedAt,
    results: (wanted.length === 0 ? ['*'] : wanted.map((node) => node.node)).map((node) =>
      failedNode(node, reason),
    ),
    previous,
    exceptions,
  });
}

/** The functions and the command line end here. */
const LOOK = 'Look at the log of this run; on AWS at the execution of the state machine.';

function failedNode(node: string, reason: string): NodeResult {
  return {
    node,
    coverage: { node, result: 'failed', reason, remedy: LOOK },
    facts: null,
    tallies: [],
    failures: [],
    podAddresses: [],
    debugPods: [],
    pods: [],
    labels: {},
  };
}

function reasonOf(failure: StepFailure | null): string {
  return failure === null
    ? 'the cluster was not planned'
    : `the cluster was not reached: ${failureText(failure)}`;
}

/** @param reason - why it was not reached; null where it was */
function conclusionOf(report: ClusterReport, reason: string | null): Omit<Conclusion, 'told'> {
  return {
    ...clusterSummary(report),
    report: keys.report({ cluster: report.cluster.name, runId: report.runId }),
    coverage: coverageShare(report),
    orphans: totalsOf(report.startedAt, report.nodes).orphans,
    reached: reason === null,
    reason,
  };
}
