/** The conditions of the repair pods' admission policy, held against the pods that are sent. */
import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Finding } from '../../lib/model/finding.ts';
import { REPAIR_NAMESPACE } from '../../lib/model/own-pods.ts';
import type { RepairRecord } from '../../lib/model/repair-record.ts';
import { mostObjects, repairPod } from '../../lib/probe/index.ts';
import { type Act, actsWithin, type NodeAct } from '../../lib/repair/act.ts';
import { planRepairs } from '../../lib/repair/plan.ts';
import { planUndo } from '../../lib/repair/undo.ts';
import { record } from '../repair/record.ts';
import {
  aLeakedPair,
  anOrphan,
  aPlainPin,
  aReport,
  aStaleRoute,
  leakedRecords,
  lowLimits,
  lowThresholds,
  somethingLost,
} from '../report/sample.ts';

const file = new URL('../../deploy/remediate-admission-policy.yaml', import.meta.url);
const policy = parseAllDocuments(readFileSync(file, 'utf8'))[0]?.toJS() as {
  spec: { variables: { name: string; expression: string }[] };
};
const differences =
  policy.spec.variables.find(({ name }) => name === 'differencesFromRepair')?.expression ?? '';

/** One entry of the list of differences, as JavaScript: it uses only what the two languages share, and four things more. */
function conditionOf(field: string): string {
  const end = ` ? [] : ["${field}"])`;
  const part = differences.split(/\s\+ (?=[(v])/).find((each) => each.trim().endsWith(end));
  if (part === undefined) throw new Error(`the policy does not compare ${field}`);
  return part
    .trim()
    .slice(1, -end.length)
    .replaceAll(/has\(([\w.]+)\)/g, '($1 !== undefined)')
    .replaceAll(/([\w.]+) == (\{[^}]*\})/g, 'same($1, $2)')
    .replaceAll('.all(each, ', '.every((each) => ')
    .replaceAll('each.matches(', 'matches(each, ');
}
type Condition = (variables: object, dyn: unknown, same: unknown, matches: unknown) => boolean;
const conditions = ['spec.containers[0].args', 'spec.containers[0].securityContext.capabilities'].map(
  (field) => runInThisContext(`(variables, dyn, same, matches) => ${conditionOf(field)}`) as Condition,
);

const isAdmitted = (args: readonly string[], capabilities: unknown): boolean =>
  conditions.every((holds) =>
    holds(
      { container: { args }, security: { capabilities } },
      (value: unknown) => value,
      (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other),
      (text: string, pattern: string) => new RegExp(pattern).test(text),
    ),
  );

function podOf(act: NodeAct) {
  const [container] = repairPod({
    runId: 'run',
    node: act.node,
    expires: new Date(0),
    act: true,
    settleSeconds: 900,
    activeDeadlineSeconds: 600,
    ...(act.kind === 'delete-namespaces'
      ? { orphans: act.orphans }
      : { objects: act.objects.map(({ argument }) => argument) }),
  }).spec.containers;
  if (container === undefined) throw new Error('the pod has no container');
  return container;
}

const isOfNode = (act: Act): act is NodeAct => 'orphans' in act || 'objects' in act;

/** What is taken back if all of it was done. */
function undoOf(acts: readonly NodeAct[]): NodeAct[] {
  const records = acts.flatMap((act): RepairRecord[] =>
    act.kind === 'delete-namespaces'
      ? []
      : [
          {
            ...record,
            act: act.kind,
            node: act.node,
            repairNamespace: REPAIR_NAMESPACE,
            objects: act.objects.map((object) => ({ ...object, result: 'done' as const, detail: null })),
          },
        ],
  );
  return [...planUndo(records, undefined).acts];
}

const findings: readonly Finding[] = [
  lowLimits(),
  lowThresholds(4),
  lowThresholds(6),
  somethingLost(),
  aStaleRoute(1),
  aLeakedPair(1),
  leakedRecords(),
  aPlainPin(),
  anOrphan(1),
];
const sets = Array.from({ length: 2 ** findings.length - 1 }, (_, index) =>
  findings.filter((_each, bit) => ((index + 1) >> bit) % 2 === 1),
);

it('admits the pods for each set of findings of a node, and those that take it back', () => {
  const seen = new Set<string>();
  for (const some of sets) {
    const acts = actsWithin(planRepairs(aReport({ findings: some }), {}).acts, 1000, mostObjects).filter(
      isOfNode,
    );
    expect(new Set(acts.flatMap((act) => act.findings)).size).toBe(some.length);
    for (const { args, securityContext } of [...acts, ...undoOf(acts)].map(podOf)) {
      const { capabilities } = securityContext;
      expect(isAdmitted(args, capabilities), args.join(' ')).toBe(true);
      if (args.some((each) => each.includes('=user.'))) expect(capabilities.add).toContain('SYS_RESOURCE');
      seen.add(
        args
          .slice(3)
          .map((each) => each.replace(/=.*/, ''))
          .join(' '),
      );
    }
  }
  // The conditions were not true because nothing was asked.
  expect(seen.size).toBeGreaterThan(8);
});

it('admits none with that capability and another object, and none with an argument that is no such object', () => {
  const limits = 'restore-limits=user.max_net_namespaces,node,0,96:192';
  const args = ['act=1', 'settle=900', 'total=540'];
  const more = { drop: ['ALL'], add: [...podOf(podAct(limits)).securityContext.capabilities.add] };
  expect(isAdmitted([...args, limits], more)).toBe(true);
  expect(isAdmitted([...args, limits, 'veth=veth12345678:7'], more)).toBe(false);
  expect(isAdmitted([...args, 'veth=veth12345678:7'], more)).toBe(false);
  expect(isAdmitted([...args, limits.replace('96', '0')], more)).toBe(false);
});

function podAct(argument: string): NodeAct {
  const objects = [{ name: 'name', argument, trace: '' }];
  return { kind: 'raise-limits', node: 'node-1', findings: [], refused: null, objects };
}
