/** `netns-audit remediate`: plan, ask, repair, prove. */
import { createInterface } from 'node:readline/promises';
import {
  type ActResult,
  auditCluster,
  begunSentence,
  defaultStore,
  halfDone,
  openStore,
  recentDays,
  repair,
  settleHalfDone,
} from '../lib/audit/index.ts';
import { type Cluster, type ClusterTarget, connect, ensureNamespace } from '../lib/cluster/index.ts';
import { latestReport, reportOfRun, type Store } from '../lib/history/index.ts';
import { AuditError } from '../lib/model/errors.ts';
import { counts } from '../lib/model/finding.ts';
import { printable } from '../lib/model/printable.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { type Act, type Asked, type Plan, planRepairs, whyNotBy } from '../lib/remedy/plan.ts';
import { scriptOf } from '../lib/remedy/script.ts';
import { jsonText, plural, table } from '../lib/report/index.ts';
import { warnOfDamage } from './damage.ts';
import { EXIT, tryingAgain } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { reportWidth } from './options.ts';
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
  readonly image: string;
  readonly pullSecret?: string;
  readonly deadline: number;
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

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
        remedy: 'Give a directory or s3://bucket/prefix.',
      });
    const runId = newRunId(new Date(), `remediate ${cluster.uid} ${process.pid} ${Math.random()}`);
    const look = lookingAt(cluster, runId, options, interrupt.signal);
    await tellHalfDone(cluster, store, options);
    const report = await reportFor(cluster, store, look, options);
    const reason = whyNotBy(report, cluster, Date.now());
    if (reason !== null)
      throw new AuditError('USAGE', reason, {
        remedy: 'Audit it first, or repair by a fresh audit: --fresh',
      });
    const plan = planRepairs(report, options.asked);
    print(plan, report, options);
    if (options.apply !== true && options.rehearse !== true) {
      if (options.output === 'text' && plan.acts.length > 0)
        say('Nothing was done. --rehearse looks at each again, --apply repairs.');
      return;
    }
    const chosen = plan.acts.filter(({ refused }) => refused === null).slice(0, options.limit);
    if (chosen.length === 0) {
      say('Nothing was done.');
      if (plan.acts.length > 0) process.exitCode = EXIT.findings;
      return;
    }
    if (options.rehearse !== true && !(await isAgreed(chosen, options))) return;
    if (await ensureNamespace(cluster, options.probeNamespace, interrupt.signal))
      say(`Created the namespace ${options.probeNamespace} for the probe pods.`);
    const results = await repair(cluster, chosen, {
      runId,
      namespace: options.probeNamespace,
      store,
      look,
      rehearse: options.rehearse === true,
      anyController: options.asked.pod !== undefined,
      signal: interrupt.signal,
      onResult: ({ act, result, detail }) =>
        say(`${result}: ${printable(nameOf(act))}: ${printable(detail, 1000)}`),
    });
    summarize(results, chosen.length);
  } finally {
    await cluster.transport.close();
    interrupt.end();
  }
}

/** Tells of repairs that began and did not end. A plan and a rehearsal write nothing: another call may be making them right now. */
async function tellHalfDone(cluster: Cluster, store: Store, options: RemediateOptions): Promise<void> {
  const days = recentDays(new Date());
  const left = await halfDone(store, cluster.name, days);
  if (left.length === 0) return;
  const sentences =
    options.apply === true
      ? await settleHalfDone(cluster, store, { namespace: options.probeNamespace, days })
      : left.map(
          (record) => `${begunSentence(record)}; it is under way, or was stopped: --apply tells which.`,
        );
  for (const sentence of sentences) say(printable(sentence, 1000));
}

/** An audit now, which is kept nowhere: it only proves. @param node - null: all nodes, and only what has settled */
type Look = (node: string | null, previous?: ClusterReport | null) => Promise<ClusterReport>;

function lookingAt(cluster: Cluster, runId: string, options: RemediateOptions, signal: AbortSignal): Look {
  return async (node, previous = null) =>
    await auditCluster(cluster, {
      runId: newRunId(new Date(), `${runId} ${Math.random()}`),
      namespace: options.probeNamespace,
      image: options.image,
      pullSecret: options.pullSecret ?? null,
      privileged: false,
      deadlineSeconds: options.deadline,
      active: [],
      settleSeconds: node === null ? { pod: 300, orphan: 900 } : { pod: 0, orphan: 0 },
      selection: { names: node === null ? [] : [node], labels: [] },
      concurrency: 10,
      previous,
      exceptions: [],
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
    // Exceptions are laid over by whoever audits with them: what they covered the last time stays covered.
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
    { remedy: 'Audit it first: netns-audit audit. Or repair by a fresh audit: --fresh' },
  );
}

function nameOf({ pod, node }: Act): string {
  return `${pod.namespace}/${pod.name} on ${node}`;
}

function print(plan: Plan, report: ClusterReport, options: RemediateOptions): void {
  const { stdout } = process;
  if (options.output === 'json') {
    stdout.write(`${jsonText({ runId: report.runId, cluster: report.cluster.name, ...plan }, 2)}\n`);
    return;
  }
  if (options.output === 'script') {
    stdout.write(
      scriptOf(report, [...plan.acts.flatMap(({ findings }) => findings), ...plan.byHand].filter(counts)),
    );
    return;
  }
  stdout.write(planText(plan, report, options.limit, reportWidth(stdout)));
}

function planText(plan: Plan, report: ClusterReport, limit: number, width: number): string {
  const tried = plan.acts.filter(({ refused }) => refused === null);
  const refused = plan.acts.filter((act) => act.refused !== null);
  const why = ({ findings }: Act): string => [...new Set(findings.map(({ check }) => check))].join(', ');
  const lines = [
    `Repairs for ${printable(report.cluster.name, 100)}, by run ${printable(report.runId, 100)}`,
  ];
  if (tried.length > 0) {
    lines.push(
      '',
      `Recreate ${plural(tried.length, 'pod')}${tried.length > limit ? `, of which --limit lets ${limit} be tried` : ''}. Each is evicted, as its disruption budgets allow, and the pod that takes its place is looked at:`,
      table(
        [['POD', 'WHY'], ...tried.map((act) => [printable(nameOf(act), 400), why(act)])],
        width,
      ).trimEnd(),
    );
  }
  if (refused.length > 0)
    lines.push(
      '',
      'Refused:',
      ...refused.map(
        (act) => `  ${printable(nameOf(act), 400)} (${why(act)}): ${printable(act.refused ?? '', 300)}`,
      ),
    );
  if (plan.byHand.length > 0) {
    const checks = Map.groupBy(plan.byHand, ({ check }) => check);
    lines.push(
      '',
      `By hand (-o script writes the commands to read and run): ${[...checks].map(([check, found]) => `${check} (${found.length})`).join(', ')}`,
    );
  }
  if (plan.acts.length + plan.byHand.length === 0) lines.push('', 'There is nothing to repair.');
  return `${lines.join('\n')}\n`;
}

async function isAgreed(acts: readonly Act[], { yes }: RemediateOptions): Promise<boolean> {
  if (yes === true) return true;
  if (process.stdin.isTTY !== true)
    throw new AuditError('USAGE', 'nobody can be asked: standard input is no terminal', {
      remedy: 'Give --yes together with --limit.',
    });
  const ask = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await ask.question(`Recreate ${plural(acts.length, 'pod')}? Type yes: `);
    if (answer.trim() === 'yes') return true;
    say('Nothing was done.');
    return false;
  } finally {
    ask.close();
  }
}

function summarize(results: readonly ActResult[], wanted: number): void {
  const count = (result: ActResult['result']): number =>
    results.filter((each) => each.result === result).length;
  const surprised = count('surprise') > 0;
  say(
    `${count('done') + count('rehearsed')} of ${wanted} in order, ${count('refused')} refused${surprised ? ', and one surprise: nothing more was tried. Look at it before you go on' : ''}.`,
  );
  process.exitCode = surprised ? EXIT.incomplete : count('refused') > 0 ? EXIT.findings : EXIT.ok;
}
