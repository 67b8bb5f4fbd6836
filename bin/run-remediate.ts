/** `netns-audit remediate`: plan, ask, repair, prove. */

import { createInterface } from 'node:readline/promises';
import {
  type ActResult,
  auditCluster,
  begunSentence,
  coverReport,
  defaultStore,
  halfDone,
  openStore,
  recentDays,
  repair,
  settleHalfDone,
  withoutNamespace,
} from '../lib/audit/index.ts';
import { type Cluster, type ClusterTarget, connect, ensureNamespace } from '../lib/cluster/index.ts';
import { latestReport, reportOfRun, type Store } from '../lib/history/index.ts';
import type { ActiveProbe } from '../lib/model/active-probe.ts';
import { AuditError } from '../lib/model/errors.ts';
import type { Exception } from '../lib/model/exception.ts';
import { printable } from '../lib/model/printable.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { SETTLE_SECONDS } from '../lib/model/settle.ts';
import { mostObjects } from '../lib/probe/index.ts';
import { type Act, type Asked, limited, type Plan, planRepairs, whyNotBy } from '../lib/repair/plan.ts';
import { warnOfDamage } from './damage.ts';
import { EXIT, tryingAgain } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { reportWidth } from './options.ts';
import { noteOtherClusters, readExceptions } from './read-exceptions.ts';
import {
  planJson,
  planScript,
  planText,
  question,
  resultText,
  sum,
  summary,
  totalOf,
} from './remediate-text.ts';
import { version } from './version.ts';

export type RemediateOptions = {
  readonly report?: string;
  readonly asked: Asked;
  readonly limit: number;
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

/** For the pod that repairs one node; its admission policy allows a quarter of an hour. */
const REPAIR_SECONDS = 600;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/**
 * Plans repairs from a report and, with `--apply`, does them one by one until the first surprise. Sets the exit code.
 *
 * @throws AuditError USAGE, STORE, CLUSTER_* if the choice, the report or the cluster cannot be used
 */
export async function runRemediate(target: ClusterTarget, options: RemediateOptions): Promise<void> {
  const interrupt = onInterrupt(say);
  const cluster = await connect(target, {
    version: version(),
    signal: interrupt.signal,
    onUnanswered: (error) => say(tryingAgain(error).trimEnd()),
  });
  try {
    const store = openStore(options.store ?? defaultStore());
    if (store === null)
      throw new AuditError('USAGE', '--store none keeps no record of what was repaired', {
        remedy: 'Use a directory or s3://bucket/prefix.',
      });
    const runId = newRunId(new Date(), `remediate ${cluster.uid} ${process.pid} ${Math.random()}`);
    const exceptions = readExceptions(options.exceptions);
    noteOtherClusters(exceptions, cluster.name);
    const look = lookingAt(cluster, runId, { ...options, exceptions }, interrupt.signal);
    await tellHalfDone(cluster, store, options, interrupt.signal);
    const report = await reportFor(cluster, store, look, options);
    const reason = whyNotBy(report, cluster, Date.now());
    if (reason !== null)
      throw new AuditError('USAGE', reason, {
        remedy: 'Audit it first, or use a new audit: --fresh',
      });
    const plan = planRepairs(await coverReport(cluster, report, exceptions, interrupt.signal), options.asked);
    print(plan, report, options);
    if (options.apply !== true && options.rehearse !== true) {
      if (options.output === 'text' && plan.acts.length > 0)
        say('Nothing was done. --rehearse looks at each again, --apply repairs.');
      return;
    }
    const chosen = await withoutNamespace(
      cluster,
      limited(plan.acts, options.limit, mostObjects),
      options.repairNamespace,
      interrupt.signal,
    );
    if (chosen.length === 0) {
      say('Nothing was done.');
      if (plan.acts.length > 0) process.exitCode = EXIT.findings;
      return;
    }
    if (options.rehearse !== true && !(await isAgreed(chosen, cluster.name, options))) return;
    if (await ensureNamespace(cluster, options.probeNamespace, interrupt.signal))
      say(`Created the namespace ${options.probeNamespace} for the probe pods.`);
    const results = await repair(cluster, chosen, {
      runId,
      ...onNode(options),
      store,
      look: async (node, also) => await look(node, null, also?.canary === true ? ['cni'] : []),
      rehearse: options.rehearse === true,
      anyController: options.asked.pod !== undefined,
      signal: interrupt.signal,
      onResult: (result) => say(resultText(result)),
    });
    const wanted = totalOf(chosen);
    summarize(results, {
      wanted,
      beyond: totalOf(plan.acts.filter(({ refused }) => refused === null)) - wanted,
      isRehearsal: options.rehearse === true,
    });
  } finally {
    await cluster.transport.close();
    interrupt.end();
  }
}

/** Reports repairs that began and did not end. A plan and a rehearsal write nothing: another call may be doing them right now. */
async function tellHalfDone(
  cluster: Cluster,
  store: Store,
  options: RemediateOptions,
  signal: AbortSignal,
): Promise<void> {
  const days = recentDays(new Date());
  const left = await halfDone(store, cluster, days);
  if (left.length === 0) return;
  const sentences =
    options.apply === true
      ? await settleHalfDone(cluster, store, {
          ...onNode(options),
          signal,
          days,
        })
      : left.map(
          (record) => `${begunSentence(record)}; it is under way, or was stopped: --apply tells which.`,
        );
  for (const sentence of sentences) say(printable(sentence, 1000));
}

/** Settings for pods that repair nodes. */
function onNode({ repairNamespace, image, pullSecret, settle }: RemediateOptions) {
  return {
    repairNamespace,
    image,
    pullSecret: pullSecret ?? null,
    settleSeconds: settle,
    repairSeconds: REPAIR_SECONDS,
  };
}

/** An audit now, which is kept nowhere: it only proves. @param node - null: all nodes, and only what has settled */
type Look = (
  node: string | null,
  previous?: ClusterReport | null,
  active?: readonly ActiveProbe[],
) => Promise<ClusterReport>;

function lookingAt(
  cluster: Cluster,
  runId: string,
  {
    exceptions,
    ...options
  }: Omit<RemediateOptions, 'exceptions'> & { readonly exceptions: readonly Exception[] },
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

async function reportFor(
  cluster: Cluster,
  store: Store,
  look: Look,
  options: RemediateOptions,
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

function print(plan: Plan, report: ClusterReport, { output, limit }: RemediateOptions): void {
  const { stdout } = process;
  if (output === 'json') stdout.write(planJson(plan, report));
  else if (output === 'script') stdout.write(planScript(plan, report));
  else stdout.write(planText(plan, report, limit, reportWidth(stdout)));
}

async function isAgreed(acts: readonly Act[], cluster: string, { yes }: RemediateOptions): Promise<boolean> {
  const tried = acts.filter(({ refused }) => refused === null);
  // The results report refused acts.
  if (yes === true || tried.length === 0) return true;
  if (process.stdin.isTTY !== true)
    throw new AuditError('USAGE', 'nobody can be asked: standard input is no terminal', {
      remedy: 'Give --yes together with --limit.',
    });
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await ask.question(question(tried, cluster));
    if (answer.trim() === 'yes') return true;
    say('Nothing was done.');
    return false;
  } finally {
    ask.close();
  }
}

function summarize(results: readonly ActResult[], of: Parameters<typeof summary>[1]): void {
  say(summary(results, of));
  const surprised = results.some(({ result }) => result === 'surprise' || result === 'unseen');
  const refused = sum(results, (word) => word === 'refused');
  process.exitCode = surprised ? EXIT.incomplete : refused > 0 ? EXIT.findings : EXIT.ok;
}
