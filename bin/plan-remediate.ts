/** What `netns-audit remediate` would do, by a report or by the records of a run. */
import {
  auditCluster,
  coverReport,
  recentDays,
  recordedBare,
  recordsOfRun,
  recordsSince,
} from '../lib/audit/index.ts';
import { type Cluster, ensureNamespace } from '../lib/cluster/index.ts';
import { latestReport, reportOfRun, type Store } from '../lib/history/index.ts';
import type { ActiveProbe } from '../lib/model/active-probe.ts';
import { AuditError } from '../lib/model/errors.ts';
import type { Exception } from '../lib/model/exception.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { isRunId, newRunId } from '../lib/model/run-id.ts';
import { SETTLE_SECONDS } from '../lib/model/settle.ts';
import type { Act } from '../lib/repair/act.ts';
import { type Asked, type Plan, planRepairs, whyNotBy } from '../lib/repair/plan.ts';
import { planUndo } from '../lib/repair/undo.ts';
import { jsonText } from '../lib/report/index.ts';
import { warnOfDamage } from './damage.ts';
import { reportWidth } from './options.ts';
import { againText, planJson, planScript, planText, undoText } from './remediate-text.ts';
import { version } from './version.ts';

export type RemediateOptions = {
  readonly report?: string;
  /** A run whose repairs are taken back; then no report is used. */
  readonly undo?: string;
  readonly asked: Asked;
  readonly limit: number;
  /** Pods that a reboot may lose, or the data that they keep on the node. */
  readonly mayLose: readonly { readonly namespace: string; readonly name: string }[];
  readonly fresh?: boolean;
  readonly apply?: boolean;
  readonly rehearse?: boolean;
  readonly yes?: boolean;
  readonly store?: string;
  readonly output: 'text' | 'json' | 'script';
  readonly probeNamespace: string;
  readonly repairNamespace: string;
  /** Minimum age of an orphaned namespace, in seconds. */
  readonly settle: number;
  readonly exceptions?: string;
  readonly image: string;
  readonly pullSecret?: string;
  readonly deadline: number;
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

export type WithExceptions = Omit<RemediateOptions, 'exceptions'> & {
  readonly exceptions: readonly Exception[];
};

/** An audit now, which is kept nowhere: it only proves. @param node - null: all nodes, and only what has settled */
export type Look = (
  node: string | null,
  previous?: ClusterReport | null,
  active?: readonly ActiveProbe[],
) => Promise<ClusterReport>;

export function lookingAt(
  cluster: Cluster,
  runId: string,
  { exceptions, ...options }: WithExceptions,
  signal: AbortSignal,
): Look {
  return async (node, previous = null, active = []) =>
    await auditCluster(cluster, {
      runId: newRunId(new Date(), `${runId} ${Math.random()}`),
      namespace: options.probeNamespace,
      image: options.image,
      pullSecret: options.pullSecret ?? null,
      privileged: false,
      deadlineSeconds: options.deadline,
      active,
      settleSeconds: node === null ? SETTLE_SECONDS : { pod: 0, orphan: 0 },
      selection: { names: node === null ? [] : [node], labels: [] },
      concurrency: 10,
      previous,
      exceptions,
      auditorVersion: version(),
      signal,
      onProgress: () => {},
      onGathered: async () => {},
    });
}

/** By a report, which is refused where it says too little of the cluster as it is now. */
export async function planned(
  cluster: Cluster,
  store: Store,
  look: Look,
  options: WithExceptions,
  signal: AbortSignal,
): Promise<readonly Act[]> {
  const report = await reportFor(cluster, store, look, options);
  const reason = whyNotBy(report, cluster, Date.now());
  if (reason !== null)
    throw new AuditError('USAGE', reason, {
      remedy: 'Audit it first, or use a new audit: --fresh',
    });
  const plan = planRepairs(await coverReport(cluster, report, options.exceptions, signal), options.asked);
  if (options.asked.drain === true && plan.acts.length === 0)
    throw new AuditError('USAGE', '--drain: none of these findings is repaired by a reboot', {
      remedy: 'See what repairs them, without --drain.',
    });
  print(plan, report, options);
  return plan.acts;
}

/** By the record of a named pod that a repair evicted and did not create again; null if there is none. */
export async function plannedAgain(
  cluster: Cluster,
  store: Store,
  { asked: { pod, node, check }, output }: Pick<RemediateOptions, 'asked' | 'output'>,
): Promise<readonly Act[] | null> {
  if (pod === undefined || output !== 'text') return null;
  const recorded = await recordedBare(cluster, store, pod, recentDays(new Date()));
  if (recorded === null) return null;
  const { record } = recorded;
  if (node !== undefined && node !== record.pod.node) return null;
  if (check !== undefined && !record.checks.includes(check)) return null;
  const act = {
    kind: 'recreate-pod',
    pod,
    node: record.pod.node,
    findings: [],
    refused: null,
    recorded,
  } as const;
  process.stdout.write(againText(act, recorded));
  return [act];
}

/** By the records of a run. */
export async function plannedUndo(
  cluster: Cluster,
  store: Store,
  { undo, asked, output }: RemediateOptions & { readonly undo: string },
): Promise<readonly Act[]> {
  const records = isRunId(undo) ? await recordsOfRun(store, cluster, undo) : [];
  if (records.length === 0)
    throw new AuditError('USAGE', `${store.location} has no repair of ${cluster.name} by a run ${undo}`, {
      remedy: 'Give the run that a repair names at its end, or that its record in remedies/ has.',
    });
  const plan = planUndo(records, asked.node, await recordsSince(store, cluster, undo));
  const of = { runId: undo, cluster: cluster.name };
  process.stdout.write(
    output === 'json'
      ? `${jsonText({ ...of, ...plan }, 2)}\n`
      : undoText(plan, of, reportWidth(process.stdout)),
  );
  return plan.acts;
}

async function reportFor(
  cluster: Cluster,
  store: Store,
  look: Look,
  options: Omit<RemediateOptions, 'exceptions'>,
): Promise<ClusterReport> {
  if (options.fresh === true) {
    await ensureNamespace(cluster, options.probeNamespace);
    say('Auditing the cluster.');
    const previous = await latestReport(store, cluster, warnOfDamage());
    const report = await look(null, previous);
    // What exceptions covered in the last report stays covered.
    const covered = new Map(previous?.findings.map((each) => [each.fingerprint, each.suppressed]));
    const findings = report.findings.map((each) => ({
      ...each,
      suppressed: each.suppressed ?? covered.get(each.fingerprint) ?? null,
    }));
    return { ...report, findings };
  }
  const found =
    options.report === undefined
      ? await latestReport(store, cluster, warnOfDamage())
      : await reportOfRun(store, { cluster: cluster.name, runId: options.report });
  if (found !== null) return found;
  throw new AuditError(
    'USAGE',
    `${store.location} has no ${options.report === undefined ? 'report' : `run ${options.report}`} of ${cluster.name}`,
    { remedy: 'Audit it first: netns-audit audit. Or use a new audit: --fresh' },
  );
}

function print(
  plan: Plan,
  report: ClusterReport,
  { output, limit }: Pick<RemediateOptions, 'output' | 'limit'>,
): void {
  const { stdout } = process;
  if (output === 'json') stdout.write(planJson(plan, report));
  else if (output === 'script') stdout.write(planScript(plan, report));
  else stdout.write(planText(plan, report, limit, reportWidth(stdout)));
}
