/** `netns-audit remediate`: plan, ask, repair, prove. */

import { createInterface } from 'node:readline/promises';
import {
  type ActResult,
  begunSentence,
  carryOutAll,
  defaultStore,
  halfDone,
  openStore,
  PACE,
  recentDays,
  settleHalfDone,
  withoutNamespace,
} from '../lib/audit/index.ts';
import { type Cluster, type ClusterTarget, connect, ensureNamespace } from '../lib/cluster/index.ts';
import type { Store } from '../lib/history/index.ts';
import { AuditError } from '../lib/model/errors.ts';
import { REPAIR_NAMESPACE } from '../lib/model/own-pods.ts';
import { printable } from '../lib/model/printable.ts';
import { newRunId } from '../lib/model/run-id.ts';
import { command } from '../lib/model/shell.ts';
import { mostObjects } from '../lib/probe/index.ts';
import { type Act, actsWithin, isTakenBack } from '../lib/repair/act.ts';
import { remediateAgain } from './check-again.ts';
import { EXIT, tryingAgain } from './exit.ts';
import { onInterrupt } from './interrupt.ts';
import { lookingAt, planned, plannedAgain, plannedUndo, type RemediateOptions } from './plan-remediate.ts';
import { noteOtherClusters, readExceptions } from './read-exceptions.ts';
import { question, resultText, sum, summary, totalOf } from './remediate-text.ts';
import { version } from './version.ts';

/** For the pod that repairs one node; its admission policy allows a quarter of an hour. */
const REPAIR_SECONDS = 600;

type LookAtNode = Parameters<typeof settleHalfDone>[2]['look'];

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
    const lookAtNode: LookAtNode = async (node, also) =>
      await look(node, null, also?.canary === true ? ['cni'] : []);
    await tellHalfDone(cluster, store, options, lookAtNode, interrupt.signal);
    const acts =
      options.undo === undefined
        ? ((await plannedAgain(cluster, store, options)) ??
          (await planned(cluster, store, look, { ...options, exceptions }, interrupt.signal)))
        : await plannedUndo(cluster, store, { ...options, undo: options.undo });
    if (options.apply !== true && options.rehearse !== true) {
      if (options.output === 'text' && acts.length > 0)
        say(
          `Nothing was done. --rehearse looks at each again, --apply ${options.undo === undefined ? 'repairs' : 'takes it back'}.`,
        );
      return;
    }
    const chosen = await withoutNamespace(
      cluster,
      actsWithin(acts, options.limit, mostObjects),
      options.repairNamespace,
      interrupt.signal,
    );
    if (chosen.length === 0) {
      say('Nothing was done.');
      if (acts.length > 0) process.exitCode = EXIT.findings;
      return;
    }
    if (options.rehearse !== true && !(await isAgreed(chosen, cluster.name, options))) return;
    if (await ensureNamespace(cluster, options.probeNamespace, interrupt.signal))
      say(`Created the namespace ${options.probeNamespace} for the probe pods.`);
    const results = await carryOutAll(cluster, chosen, {
      runId,
      ...onNode(options),
      store,
      look: lookAtNode,
      rehearse: options.rehearse === true,
      anyController: options.asked.pod !== undefined,
      mayLose: options.mayLose,
      say: (step) => say(printable(step, 1000)),
      signal: interrupt.signal,
      onResult: (result) => say(resultText(result)),
    });
    const wanted = totalOf(chosen);
    summarize(results, {
      wanted,
      beyond: totalOf(acts.filter(({ refused }) => refused === null)) - wanted,
      isRehearsal: options.rehearse === true,
    });
    if (results.some(isPutBack))
      say(
        `To take back what this run changed: ${undoCommand(runId, { target, kubectl: cluster.kubectl }, options)}`,
      );
  } finally {
    await cluster.transport.close();
    interrupt.end();
  }
}

function undoCommand(
  runId: string,
  reached: Parameters<typeof remediateAgain>[0],
  options: RemediateOptions,
): string {
  const { store, repairNamespace, exceptions: _, ...again } = options;
  return command(
    ...['netns-audit', 'remediate', '--undo', runId, ...remediateAgain(reached, again)],
    ...(repairNamespace === REPAIR_NAMESPACE ? [] : ['--repair-namespace', repairNamespace]),
    ...(store === undefined ? [] : ['--store', store]),
  );
}

function isPutBack({ act, answers }: ActResult): boolean {
  return isTakenBack(act) && answers.some(({ word }) => word === 'done');
}

/**
 * Reports repairs that began and did not end. A plan and a rehearsal write nothing: another call may be doing
 * them right now.
 */
async function tellHalfDone(
  cluster: Cluster,
  store: Store,
  options: RemediateOptions,
  look: LookAtNode,
  signal: AbortSignal,
): Promise<void> {
  const days = recentDays(new Date());
  const left = await halfDone(store, cluster, days);
  if (left.length === 0) return;
  const sentences =
    options.apply === true
      ? await settleHalfDone(cluster, store, {
          ...onNode(options),
          look,
          say: (step) => say(printable(step, 1000)),
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
    pace: PACE,
    settleSeconds: settle,
    repairSeconds: REPAIR_SECONDS,
  };
}

async function isAgreed(acts: readonly Act[], cluster: string, { yes }: RemediateOptions): Promise<boolean> {
  const tried = acts.filter(({ refused }) => refused === null);
  // A record is only text in the store: a person has to have read what is created from it.
  const isFromRecord = tried.some((act) => act.kind === 'recreate-pod' && act.recorded !== undefined);
  // The results report refused acts.
  if ((yes === true && !isFromRecord) || tried.length === 0) return true;
  if (process.stdin.isTTY !== true)
    throw new AuditError('USAGE', 'cannot ask for confirmation: standard input is not a terminal', {
      remedy: isFromRecord
        ? 'Run it in a terminal: --yes creates no pod from a record in the store.'
        : 'Use --yes together with --limit.',
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
