/** What `netns-audit remediate` prints: the plan, the result of each act, and a summary. */
import type { ActResult } from '../lib/audit/index.ts';
import { isCounted } from '../lib/model/finding.ts';
import { allocationName } from '../lib/model/leaked-allocation.ts';
import { namespacedName } from '../lib/model/namespaced-name.ts';
import { printable } from '../lib/model/printable.ts';
import { actKinds } from '../lib/model/repair.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import {
  type Act,
  type AgentAct,
  type AllocationsAct,
  type DrainAct,
  type NodeAct,
  type ObjectsAct,
  objectCount,
  type PodAct,
  type RebootAct,
  type RecordedBare,
} from '../lib/repair/act.ts';
import { rightsIn } from '../lib/repair/bare-pod.ts';
import type { Plan } from '../lib/repair/plan.ts';
import { scriptOf } from '../lib/repair/script.ts';
import type { UndoPlan } from '../lib/repair/undo.ts';
import { jsonText, plural, table } from '../lib/report/index.ts';

/** Object names printed per act; JSON and the record have all. */
const NAMES = 5;

type Words = {
  /** Of the table in the plan. */
  readonly columns: readonly [string, string];
  /** What would be done to so many objects, in a question. */
  readonly asked: (count: number) => string;
  /** The same in the plan, with how it is done. */
  readonly planned: (count: number) => string;
};

const pairs = (count: number): string => `delete ${plural(count, 'pair')}`;
const routes = (count: number): string => `delete ${plural(count, 'route or rule', 'routes and rules')}`;
const pins = (count: number): string => `remove ${plural(count, 'file')} of pins`;
const addresses = (count: number): string => `free ${plural(count, 'address', 'addresses')}`;
const namespaces = (count: number): string => `delete ${plural(count, 'orphaned namespace')}`;
const limits = (count: number): string => `raise ${plural(count, 'set')} of limits`;
const pods = (count: number): string => `recreate ${plural(count, 'pod')}`;

const lost = (count: number): string => `put back ${plural(count, 'object')}`;

const takenBack = (count: number): string => `take back ${plural(count, 'object')}`;

const WORDS: Readonly<Record<Act['kind'], Words>> = {
  restore: {
    columns: ['NODE', 'OBJECTS'],
    asked: lost,
    planned: (count) =>
      `${lost(count)} that running pods, or their node, lost. A pod on the node looks at each again ` +
      'right before, changes nothing that is not as it was found, and proves that each is as its CNI ' +
      'plugin made it; no pod is restarted',
  },
  'take-back': {
    columns: ['NODE', 'OBJECTS'],
    asked: takenBack,
    planned: (count) =>
      `${takenBack(count)} that a repair has changed, the last one first. A pod on the node looks at ` +
      'each again right before, changes nothing that is not as the repair left it, and proves that each ' +
      'is as it was found then',
  },
  'delete-veths': {
    columns: ['NODE', 'LINKS'],
    asked: pairs,
    planned: (count) =>
      `${pairs(count)} that ${count === 1 ? 'leads' : 'lead'} into no pod. A pod on the node looks again ` +
      'right before that both ends are there and that nobody uses either, and proves that both are gone',
  },
  'delete-routes': {
    columns: ['NODE', 'ROUTES AND RULES'],
    asked: routes,
    planned: (count) =>
      `${routes(count)} for addresses that nobody has. The node is audited again, a pod on it looks again right before ` +
      'that no namespace, no result of plugins and no record has the address, and proves that each is gone',
  },
  'release-addresses': {
    columns: ['NODE', 'RECORDS'],
    asked: addresses,
    planned: (count) =>
      `${addresses(count)} of host-local, under its own lock, if at that moment the runtime does not ` +
      'know the container, no result of plugins names it, and no namespace of the node has the address',
  },
  'release-allocations': {
    columns: ['NODE', 'BLOCKS AND ADDRESSES'],
    asked: (count) => `${addresses(count)} of Calico`,
    planned: (count) =>
      `${addresses(count)} in Calico's blocks, through the API server, if at that moment an audit of the node finds ` +
      'it leaked, no pod of the cluster has it, and its block is as it was read. Its handle is lowered or deleted',
  },
  'delete-namespaces': {
    columns: ['NODE', 'NAMESPACES'],
    asked: namespaces,
    planned: (count) =>
      `${namespaces(count)}. A pod on the node looks at each again right before, has the CNI plugins ` +
      'undo what they made, and proves that its pin and its pair are gone and that host-local keeps no ' +
      'record of its address',
  },
  'delete-pins': {
    columns: ['NODE', 'PINS'],
    asked: pins,
    planned: (count) =>
      `${pins(count)}, with no namespace on ${count === 1 ? 'it' : 'them'}. A pod on the node looks at each again right ` +
      'before, also in other mount namespaces, and proves that it is gone',
  },
  'raise-limits': {
    columns: ['NODE', 'LIMITS'],
    asked: limits,
    planned: (count) =>
      `${limits(count)} of the kernel, now and in /etc/sysctl.d. A pod on the node looks again right before that each is ` +
      'as it was found and that the file will outlast a boot, lowers none, and proves both',
  },
  'recreate-pod': {
    columns: ['POD', 'WHY'],
    asked: pods,
    planned: (count) =>
      `${pods(count)}. Each is evicted, as its disruption budgets allow, and the pod that takes its place is looked at`,
  },
  'restart-agent': {
    columns: ['NODE', 'AGENT'],
    asked: (count) => `restart ${plural(count, 'CNI agent')}`,
    planned: (count) =>
      `restart the CNI agent on ${plural(count, 'node')}. Its pod there is evicted, its successor must ` +
      'become ready, and a new pod on the node must get its network and leave nothing behind',
  },
  'reboot-node': {
    columns: ['NODE', 'WHY'],
    asked: (count) => `drain and reboot ${plural(count, 'node')}`,
    planned: (count) =>
      `drain and reboot ${plural(count, 'node')}. It is cordoned, its pods are evicted, as their disruption budgets ` +
      'allow, and it must come back Ready from another boot. It takes pods again once an audit finds nothing new on it',
  },
  'drain-node': {
    columns: ['NODE', 'WHY'],
    asked: (count) => `drain ${plural(count, 'node')}`,
    planned: (count) =>
      `drain ${plural(count, 'node')} in place of a reboot. It is cordoned, its pods are evicted, as their disruption ` +
      'budgets allow, and it stays cordoned: the commands to replace its machine are printed, and nothing of it is ended',
  },
};

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** The plan as `-o json` prints it. */
export function planJson(plan: Plan, report: ClusterReport): string {
  return `${jsonText({ runId: report.runId, cluster: report.cluster.name, ...plan }, 2)}\n`;
}

/** The commands for all findings in the plan, for a person to read and run. */
export function planScript(plan: Plan, report: ClusterReport): string {
  return scriptOf(
    report,
    [...plan.acts.flatMap(({ findings }) => findings), ...plan.byHand].filter(isCounted),
  );
}

/**
 * The plan as shown to a person before anything is done.
 *
 * @param limit - objects that one call may repair
 * @param width - of the terminal, in characters
 */
export function planText(plan: Plan, report: ClusterReport, limit: number, width: number): string {
  const tried = plan.acts.filter(({ refused }) => refused === null);
  const refused = plan.acts.filter((act) => act.refused !== null);
  const lines = [
    `Repairs for ${printable(report.cluster.name, 100)}, by run ${printable(report.runId, 100)}`,
  ];
  for (const kind of actKinds) {
    const acts = tried.filter((act) => act.kind === kind);
    if (acts.length === 0) continue;
    const { columns, planned } = WORDS[kind];
    lines.push('', `${capitalized(planned(totalOf(acts)))}:`, rows(columns, acts, width));
  }
  if (totalOf(tried) > limit) lines.push('', `--limit lets ${limit} of these be tried.`);
  if (refused.length > 0)
    lines.push(
      '',
      'Refused:',
      ...refused.map((act) => `  ${objectText(act)} (${whyText(act)}): ${printable(act.refused ?? '', 300)}`),
    );
  if (plan.byHand.length > 0) {
    const checks = Map.groupBy(plan.byHand, ({ check }) => check);
    lines.push(
      '',
      'By hand (-o script writes the commands to read and run): ' +
        `${[...checks].map(([check, found]) => `${check} (${found.length})`).join(', ')}`,
    );
  }
  if (plan.acts.length + plan.byHand.length === 0) lines.push('', 'There is nothing to repair.');
  return `${lines.join('\n')}\n`;
}

/** What would be taken back of a run, and what stays. @param width - of the terminal, in characters */
export function undoText(plan: UndoPlan, of: { runId: string; cluster: string }, width: number): string {
  const { columns, planned } = WORDS['take-back'];
  const lines = [`Repairs of ${printable(of.cluster, 100)} by run ${printable(of.runId, 100)}`];
  if (plan.acts.length > 0)
    lines.push('', `${capitalized(planned(totalOf(plan.acts)))}:`, rows(columns, plan.acts, width));
  if (plan.kept.length > 0)
    lines.push(
      '',
      'Not taken back:',
      ...plan.kept.map(({ what, why }) => `  ${printable(what, 600)}: ${printable(why, 1000)}`),
    );
  return `${lines.join('\n')}\n`;
}

/** What would be created from the record of a repair: nobody but a person can say whether that is right. */
export function againText(act: PodAct, { place, manifest }: RecordedBare): string {
  return [
    'A repair evicted this pod and did not create it again, or somebody deleted it. From its manifest in',
    `${printable(place, 600)}:`,
    '',
    `  create ${objectText(act)}: ${printable(rightsIn(manifest), 1500)}`,
    '',
  ].join('\n');
}

function rows(head: Words['columns'], acts: readonly Act[], width: number): string {
  const row = (act: Act): string[] =>
    act.kind === 'recreate-pod'
      ? [objectText(act), whyText(act)]
      : [
          printable(act.node, 300),
          isOfWholeNode(act)
            ? whyText(act)
            : act.kind === 'restart-agent'
              ? agentText(act)
              : `${objectCount(act)}: ${namesOf(namesIn(act))}`,
        ];
  return table([[...head], ...acts.map(row)], width).trimEnd();
}

/** Number of objects in all acts. */
export function totalOf(acts: readonly Act[]): number {
  return acts.reduce((sum, act) => sum + objectCount(act), 0);
}

/** Names per node in the question; JSON has all. */
const ASKED = 20;

/** The question asked before anything is done. */
export function question(acts: readonly Act[], cluster: string): string {
  const objects = acts.map((act) =>
    act.kind === 'recreate-pod' && act.recorded !== undefined
      ? `  create pod ${objectText(act)}: ${printable(rightsIn(act.recorded.manifest), 1500)}`
      : act.kind === 'recreate-pod' || isOfWholeNode(act)
        ? `  ${act.kind === 'recreate-pod' ? 'pod' : 'node'} ${objectText(act)}`
        : `  ${printable(act.node, 300)}: ${act.kind === 'restart-agent' ? agentText(act) : namesOf(namesIn(act), ASKED)}`,
  );
  const count = (kind: Act['kind']): number => totalOf(acts.filter((act) => act.kind === kind));
  const what = actKinds
    .filter((kind) => count(kind) > 0)
    .map((kind) => WORDS[kind].asked(count(kind)))
    .join(' and ');
  return [...objects, `${capitalized(what)} of ${printable(cluster, 100)}? Type yes: `].join('\n');
}

/** One act and its result; for many objects, those that were not done, by reason. */
export function resultText({ act, result, detail, answers, next = [] }: ActResult): string {
  const others = Map.groupBy(
    answers.filter(({ word }) => word !== 'done' && word !== 'would'),
    ({ word, detail: reason }) => `${word}: ${reason}`,
  );
  return [
    `${result}: ${objectText(act)}: ${printable(detail, 1000)}`,
    ...[...others].map(
      ([reason, some]) => `  ${printable(reason, 500)}: ${namesOf(some.map(({ name }) => name))}`,
    ),
    ...('objects' in act ? byHandText(act, answers) : []),
    ...next.map((line) => `  ${printable(line, 1000)}`),
  ].join('\n');
}

/** How to take back, by hand, what can be; the record has all of it. */
function byHandText({ node, objects }: ObjectsAct, answers: ActResult['answers']): string[] {
  const done = new Set(answers.filter(({ word }) => word === 'done').map(({ name }) => name));
  const commands = objects.flatMap(({ name, undo }) => (done.has(name) && undo !== undefined ? undo : []));
  if (commands.length === 0) return [];
  return [
    `  To take it back, as root on ${printable(node, 300)}:`,
    ...commands.slice(0, ASKED).map((each) => `    ${printable(each, 1000)}`),
    ...(commands.length > ASKED ? ['    and more, which the record in the store has'] : []),
  ];
}

/**
 * @param wanted - objects to be repaired
 * @param beyond - objects of the plan that the limit left out
 */
export function summary(
  results: readonly ActResult[],
  { wanted, beyond, isRehearsal }: { wanted: number; beyond: number; isRehearsal: boolean },
): string {
  const inOrder = sum(results, (word) => word === 'done' || word === 'would');
  const refused = sum(results, (word) => word === 'refused');
  const surprised = results.some(({ result }) => result === 'surprise');
  const failed = sum(results, (word) => word === 'failed');
  const left = sum(results, (word) => word === 'left');
  return [
    `${inOrder} of ${wanted} ${isRehearsal ? 'would be repaired' : 'in order'}, ${refused} refused`,
    ...(failed > 0 ? [`, ${failed} failed`] : []),
    ...(left > 0 ? [`, ${left} left`] : []),
    ...(isRehearsal ? ['; nothing was changed'] : []),
    ...(surprised ? [', and a surprise: nothing more was tried. Look at it before you go on'] : []),
    '.',
    ...(beyond > 0 ? [` ${beyond} more were not tried (--limit).`] : []),
  ].join('');
}

/** Number of objects with matching answers. An act without answers counts as one object. */
export function sum(results: readonly ActResult[], matches: (word: string) => boolean): number {
  const wordOf = {
    done: 'done',
    rehearsed: 'would',
    refused: 'refused',
    unseen: 'left',
    surprise: 'failed',
  } as const;
  return results.reduce((total, { act, result, answers }) => {
    if (answers.length > 0) return total + answers.filter(({ word }) => matches(word)).length;
    return total + (matches(wordOf[result]) ? objectCount(act) : 0);
  }, 0);
}

function objectText(act: Act): string {
  if (act.kind === 'recreate-pod') return printable(`${namespacedName(act.pod)} on ${act.node}`, 400);
  if (isOfWholeNode(act)) return printable(act.node, 300);
  if (act.kind === 'restart-agent') return printable(`${agentText(act)} on ${act.node}`, 400);
  // A refused namespace need not have a name that the runtime gives.
  const names =
    act.kind === 'delete-namespaces' ? act.findings.map(({ object }) => object.name) : namesIn(act);
  return printable(`${namesOf(names)} on ${act.node}`, 600);
}

function isOfWholeNode(act: Act): act is RebootAct | DrainAct {
  return act.kind === 'reboot-node' || act.kind === 'drain-node';
}

function agentText({ agent, findings }: AgentAct): string {
  return printable(`the agent ${agent.selector} in ${agent.namespace} (${whyText({ findings })})`, 300);
}

function namesIn(act: NodeAct | AllocationsAct): string[] {
  if (act.kind === 'release-allocations') return act.allocations.map(allocationName);
  return (act.kind === 'delete-namespaces' ? act.orphans : act.objects).map(({ name }) => name);
}

function namesOf(names: readonly string[], most = NAMES): string {
  const shown = names.slice(0, most).map((name) => printable(name, 200));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

function whyText({ findings }: Pick<Act, 'findings'>): string {
  return [...new Set(findings.map(({ check }) => check))].join(', ');
}
