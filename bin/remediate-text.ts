/** What `netns-audit remediate` prints: the plan, the result of each act, and a summary. */
import { type ActResult, answerWord } from '../lib/audit/index.ts';
import { isCounted } from '../lib/model/finding.ts';
import { printable } from '../lib/model/printable.ts';
import { actKinds } from '../lib/model/repair.ts';
import type { ClusterReport } from '../lib/model/report.ts';
import { type Act, type ObjectsAct, objectCount, type PodAct, type RecordedBare } from '../lib/repair/act.ts';
import { rightsIn } from '../lib/repair/bare-pod.ts';
import type { Plan } from '../lib/repair/plan.ts';
import { scriptOf } from '../lib/repair/script.ts';
import type { UndoPlan } from '../lib/repair/undo.ts';
import { jsonText, table } from '../lib/report/index.ts';
import {
  ACT_WORDS,
  type ActWords,
  agentText,
  capitalized,
  firstNames,
  isOfWholeNode,
  namesIn,
  objectText,
  whyText,
} from './act-words.ts';

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
    const { columns, planned } = ACT_WORDS[kind];
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
  const { columns, planned } = ACT_WORDS['take-back'];
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

function rows(head: ActWords['columns'], acts: readonly Act[], width: number): string {
  const row = (act: Act): string[] =>
    act.kind === 'recreate-pod'
      ? [objectText(act), whyText(act)]
      : [
          printable(act.node, 300),
          isOfWholeNode(act)
            ? whyText(act)
            : act.kind === 'restart-agent'
              ? agentText(act)
              : `${objectCount(act)}: ${firstNames(namesIn(act))}`,
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
        : `  ${printable(act.node, 300)}: ${act.kind === 'restart-agent' ? agentText(act) : firstNames(namesIn(act), ASKED)}`,
  );
  const count = (kind: Act['kind']): number => totalOf(acts.filter((act) => act.kind === kind));
  const what = actKinds
    .filter((kind) => count(kind) > 0)
    .map((kind) => ACT_WORDS[kind].asked(count(kind)))
    .join(' and ');
  return [...objects, `${capitalized(what)} of ${printable(cluster, 100)}? Type yes: `].join('\n');
}

/** One act and its result; for many objects, those that were not done, by reason. */
export function resultText({ act, result, detail, answers, next = [] }: ActResult): string {
  const others = Map.groupBy(
    answers.filter(({ word }) => word !== 'done' && word !== 'would'),
    (answer) => `${answerWord(answer)}: ${answer.detail}`,
  );
  return [
    `${result}: ${objectText(act)}: ${printable(detail, 1000)}`,
    ...[...others].map(
      ([reason, some]) => `  ${printable(reason, 500)}: ${firstNames(some.map(({ name }) => name))}`,
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
  const settled = sum(results, (word) => word === 'in order already');
  const inOrder = sum(results, (word) => word === 'done' || word === 'would') + (isRehearsal ? 0 : settled);
  const refused = sum(results, (word) => word === 'refused');
  const surprised = results.some(({ result }) => result === 'surprise');
  const failed = sum(results, (word) => word === 'failed');
  const left = sum(results, (word) => word === 'left');
  return [
    `${inOrder} of ${wanted} ${isRehearsal ? 'would be repaired' : 'in order'}, ${refused} refused`,
    ...(isRehearsal && settled > 0 ? [`, ${settled} in order already`] : []),
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
    if (answers.length > 0) return total + answers.filter((answer) => matches(answerWord(answer))).length;
    return total + (matches(wordOf[result]) ? objectCount(act) : 0);
  }, 0);
}
