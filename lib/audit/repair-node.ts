/**
 * What is leaked on one node is deleted by a pod there, and what its pods lost is put back: the pod looks at
 * each again right before (lib/probe/repair) and proves it. An audit of the node then shows whether any
 * finding remains.
 */
import { type Cluster, ProbePods } from '../cluster/index.ts';
import type { Finding } from '../model/finding.ts';
import type { RepairObject, RepairRecord } from '../model/repair-record.ts';
import { newRunId } from '../model/run-id.ts';
import { type RepairAnswer, readAnswers, repairPod } from '../probe/index.ts';
import { isTakenBack, type NamespacesAct, type NodeAct, type ObjectsAct } from '../repair/act.ts';
import { type NodeObject, raisedLimits, staleObjects } from '../repair/node-object.ts';
import { answerWord } from './answer-word.ts';
import { auditAfter, whyUnread } from './look-again.ts';
import type { ActContext, ExaminedAct, RepairResult } from './repair-act.ts';

/** In addition to its own deadline, for the pod to start and its log to be read. */
const GRACE_SECONDS = 60;

/** Checks nothing here: a view from outside would be older than the pod's. */
export async function examineOnNode(
  cluster: Cluster,
  planned: NodeAct,
  context: ActContext,
): Promise<ExaminedAct> {
  const asked = await askedAgain(planned, context);
  if ('refused' in asked) return asked;
  const { act } = asked;
  const object = (answers: readonly RepairAnswer[]): RepairObject => {
    const place = { node: act.node, repairNamespace: context.repairNamespace };
    const became = becameBy(answers);
    return act.kind === 'delete-namespaces'
      ? {
          act: act.kind,
          ...place,
          namespaces: act.orphans.map((orphan) => ({ ...orphan, ...became(orphan.name) })),
        }
      : {
          act: act.kind,
          ...place,
          objects: act.objects.map(({ name, argument, undo }) => ({
            name,
            argument,
            ...(undo === undefined ? {} : { undo }),
            ...became(name),
          })),
        };
  };
  return {
    object: object([]),
    rehearse: async () => {
      const answers = await askedOnNode(cluster, requestOf(act), context, false);
      const would = answers.filter(({ word }) => word === 'would').length;
      return {
        ok: !areUnsure(answers, 'done'),
        detail: `${would} would be ${WORDS[act.kind].done}${notDone(answers)}; nothing was changed`,
        answers,
      };
    },
    act: async () => {
      const answers = await askedOnNode(cluster, requestOf(act), context, true);
      const done = answers.filter(({ word }) => word === 'done');
      const detail = `${done.length} ${WORDS[act.kind].done}${notDone(answers)}`;
      if (areUnsure(answers, 'would')) return { ok: false, detail, answers };
      // An audit would find the fault again, as it should be.
      if (act.kind === 'take-back') return { ok: true, detail, answers };
      return await proven(act, done, { detail, answers }, context);
    },
    after: ({ answers = [] }) => object(answers),
  };
}

/**
 * Only the API knows some owners of addresses, such as floating ones, and the pod on the node does not ask it: so routes
 * and rules have to be found by another audit as well. And limits are not raised if what filled them is gone.
 */
async function askedAgain(
  act: NodeAct,
  { look }: ActContext,
): Promise<{ readonly act: NodeAct } | { readonly refused: string }> {
  if (!isAskedAgain(act)) return { act };
  const again = await foundAgain(act.node, look);
  if ('refused' in again) return again;
  const objects = act.objects.filter(({ trace }) => again.found.has(trace));
  return objects.length === 0 ? { refused: 'the fault was not seen again' } : { act: { ...act, objects } };
}

function isAskedAgain(act: NodeAct): act is ObjectsAct {
  return act.kind === 'delete-routes' || act.kind === 'raise-limits';
}

/** The traces of routes, rules and limits that an audit of the node finds now. */
export async function foundAgain(
  node: string,
  look: ActContext['look'],
): Promise<{ readonly found: ReadonlySet<string> } | { readonly refused: string }> {
  const report = await look(node);
  const unread = whyUnread(report, node);
  if (unread !== null) return { refused: `${node} ${unread}` };
  const sure = report.findings.filter(({ suppressed, partOf }) => suppressed === null && partOf === null);
  return { found: new Set(sure.flatMap(tracesIn)) };
}

function tracesIn({ repair }: Finding): string[] {
  if (repair?.kind === 'raise-limits') return [raisedLimits(repair).trace];
  return repair?.kind === 'delete-routes' ? staleObjects(repair).map(({ trace }) => trace) : [];
}

/** What the record says of an object; null while nothing is known. */
export function becameBy(answers: readonly RepairAnswer[]) {
  const byName = new Map(answers.map((answer) => [answer.name, answer]));
  return (name: string) => {
    const answer = byName.get(name);
    return { result: answer?.word ?? null, detail: answer?.detail ?? null };
  };
}

/**
 * Whether a result is uncertain: some objects failed or were not tried, or have the answer `odd`, which this kind
 * of call must not give.
 */
function areUnsure(answers: readonly RepairAnswer[], odd: RepairAnswer['word']): boolean {
  return answers.some(({ word }) => word === 'failed' || word === 'left' || word === odd);
}

/** How many remain, by answer. */
export function notDone(answers: readonly RepairAnswer[]): string {
  const count = (word: string): number => answers.filter((each) => answerWord(each) === word).length;
  const words = ['in order already', 'refused', 'failed', 'left'].filter((word) => count(word) > 0);
  return words.map((word) => `, ${count(word)} ${word}`).join('');
}

const DELETES = { verb: 'delete', done: 'deleted', settled: 'it is gone', all: 'gone' } as const;

/** Each kind of act in words: what it does, what becomes of its objects, and the refusal of one that is so already. */
export const WORDS: Record<NodeAct['kind'], Readonly<Record<'verb' | 'done' | 'settled' | 'all', string>>> = {
  restore: {
    verb: 'put back',
    done: 'put back',
    settled: 'it is as it should be',
    all: 'as they should be',
  },
  'take-back': {
    verb: 'take back',
    done: 'taken back',
    settled: 'it is as it was found',
    all: 'as they were found',
  },
  'delete-namespaces': { ...DELETES, settled: 'its pin is gone' },
  'delete-pins': { ...DELETES, settled: 'its pin is gone' },
  'delete-veths': DELETES,
  'delete-routes': { ...DELETES, settled: 'it is as it should be' },
  'release-addresses': DELETES,
  'raise-limits': {
    verb: 'raise',
    done: 'raised',
    settled: 'it is as it should be',
    all: 'as they should be',
  },
};

/** Settings for a pod that repairs a node. */
export type OnNode = Pick<
  ActContext,
  'runId' | 'repairNamespace' | 'repairSeconds' | 'settleSeconds' | 'image' | 'pullSecret' | 'signal'
>;

export type NodeRecord = Exclude<
  RepairRecord,
  { act: 'recreate-pod' | 'restart-agent' | 'reboot-node' | 'drain-node' | 'release-allocations' }
>;

/** Objects of one node for a repair pod: those of an act, or of the record of one. */
export type RepairRequest = Pick<NamespacesAct, 'node' | 'orphans'> & {
  readonly objects: readonly Pick<NodeObject, 'name' | 'argument'>[];
};

function requestOf(act: NodeAct): RepairRequest {
  return act.kind === 'delete-namespaces' ? { ...act, objects: [] } : { ...act, orphans: [] };
}

/**
 * Runs the pod that repairs, and reads its answers.
 * @throws AuditError PROBE_REFUSED, PROBE_FAILED, NODE_SILENT, DEADLINE, CLUSTER_*, ABORTED
 */
export async function askedOnNode(
  cluster: Cluster,
  { node, orphans, objects }: RepairRequest,
  context: OnNode,
  act: boolean,
): Promise<RepairAnswer[]> {
  const { runId, repairNamespace, repairSeconds, pullSecret } = context;
  const deadlineSeconds = repairSeconds + GRACE_SECONDS;
  const names = [...orphans, ...objects].map(({ name }) => name);
  // A run may send more than one pod to a node.
  const own = newRunId(new Date(), `${runId} ${node} ${names[0]} ${act}`);
  const manifest = repairPod({
    runId: own,
    node,
    expires: new Date(Date.now() + (deadlineSeconds + GRACE_SECONDS) * 1000),
    namespace: repairNamespace,
    image: context.image,
    ...(pullSecret === null ? {} : { imagePullSecret: pullSecret }),
    orphans,
    objects: objects.map(({ argument }) => argument),
    act,
    settleSeconds: context.settleSeconds,
    activeDeadlineSeconds: repairSeconds,
  });
  const pods = new ProbePods(cluster, {
    namespace: repairNamespace,
    runId: own,
    // A repair gets its whole time, or does not begin.
    waitsForRoom: false,
    signal: context.signal,
  });
  try {
    const { log } = await pods.run(manifest, deadlineSeconds * 1000);
    return readAnswers(log, names);
  } finally {
    await pods.close();
  }
}

/** Audits the node: no check may find any of them again. */
async function proven(
  act: NodeAct,
  done: readonly RepairAnswer[],
  repair: Omit<RepairResult, 'ok'>,
  context: ActContext,
): Promise<RepairResult> {
  if (done.length === 0) return { ...repair, ok: true };
  const report = await auditAfter(act.node, context);
  if (typeof report === 'string') return { ...repair, ok: false, detail: `${repair.detail}; ${report}` };
  const again = report.findings.filter(whatTellsOf(act, done));
  if (again.length === 0)
    return {
      ...repair,
      ok: true,
      detail: `${repair.detail}; an audit finds ${isTakenBack(act) ? 'them in order' : 'nothing of them'}`,
    };
  const checks = [...new Set(again.map(({ check }) => check))].join(', ');
  return { ...repair, ok: false, detail: `${repair.detail}; but an audit finds ${checks} of them` };
}

/** Whether a finding tells of what was done. */
function whatTellsOf(act: NodeAct, done: readonly RepairAnswer[]): (finding: Finding) => boolean {
  const names = new Set(done.map(({ name }) => name));
  if (act.kind === 'restore') {
    // A finding is over when all that it tells of is as it should be.
    const over = Map.groupBy(act.objects, ({ trace }) => trace);
    return ({ fingerprint }) => over.get(fingerprint)?.every(({ name }) => names.has(name)) === true;
  }
  const parts = new Set(
    act.kind === 'delete-namespaces'
      ? done.flatMap(partsOf)
      : act.objects.filter(({ name }) => names.has(name)).map(({ trace }) => trace),
  );
  // Lines of the kernel log tell of a limit for a day: only a finding that would have it raised again counts.
  if (isAskedAgain(act)) return (finding) => tracesIn(finding).some((trace) => parts.has(trace));
  return (finding) => tellsOf(finding, parts);
}

/** Its pin and content: link ends on the node, and addresses, or `no link`, `no address`. */
function partsOf({ name, detail }: RepairAnswer): string[] {
  const held = detail.replace(/\bno (?:link|address)\b/g, '').split(' ');
  return [name, ...held.filter((part) => part !== '')];
}

/**
 * A finding about one of the objects, or with one in its evidence, by the names that address records have in
 * their store. A pod may have been given an address since then.
 */
function tellsOf({ object, evidence }: Finding, parts: ReadonlySet<string>): boolean {
  const own = [object.name, object.path ?? ''].map((name) => name.replace(/^.*\//, ''));
  if (own.some((name) => parts.has(name))) return true;
  if (object.kind === 'pod') return false;
  const words = evidence.flatMap(({ expected, actual }) => [expected ?? '', actual ?? '']).join(' ');
  return words.split(/[\s,;()→@]+/).some((word) => parts.has(word.replace(/\/\d+$|[:.]$/, '')));
}
