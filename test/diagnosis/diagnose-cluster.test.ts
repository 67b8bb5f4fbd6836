import { describe, expect, it } from 'vitest';
import { defineCheck, defineClusterCheck, fail, nodeObject, pass } from '../../lib/checks/define.ts';
import { diagnoseCluster } from '../../lib/diagnosis/diagnose-cluster.ts';
import type { CheckFailure, NodeResult } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { conclude as concludeAs, resultOf, talliesOf } from './nodes.ts';

const metadata = {
  topic: 'namespaces',
  severity: 'high',
  title: 'Fine',
  failureTitle: 'Broken',
  why: 'It is a test.',
} as const;
const nodeCheck = defineCheck({ ...metadata, id: 'a-check', needs: [], run: () => [] });
const patientCheck = defineCheck({
  ...metadata,
  id: 'patient-check',
  severity: 'medium',
  observations: 2,
  needs: [],
  run: () => [],
});
const clusterCheck = defineClusterCheck({
  ...metadata,
  id: 'cluster-check',
  run: ({ debugPods }) =>
    debugPods.length === 0
      ? [pass({ kind: 'cluster', name: 'all' })]
      : [
          fail(
            { kind: 'cluster', name: 'all' },
            { detail: 'left', confidence: 'confirmed', evidence: [], remedy: [] },
          ),
        ],
});
const checks = [nodeCheck, patientCheck, clusterCheck];

function aFailure(changes: Partial<CheckFailure> = {}): CheckFailure {
  return {
    check: 'a-check',
    object: nodeObject('node-1'),
    severity: 'high',
    confidence: 'confirmed',
    detail: 'broken',
    evidence: [],
    remedy: [],
    ...changes,
  };
}

function aResult(changes: Partial<NodeResult> = {}): NodeResult {
  const tallies = talliesOf(checks.slice(0, 2).map(({ id }) => id));
  return resultOf('node-1', { tallies, pods: ['shop/web-1'], ...changes });
}

const read = (node: string) => ({ node, result: 'audited', reason: null, remedy: null }) as const;
const conclude = (
  results: NodeResult[],
  previous: ClusterReport | null = null,
  changes: Parameters<typeof concludeAs>[2] = {},
) => concludeAs(results, previous, { checks, ...changes });

describe('the last audit without a finding', () => {
  const failing = {
    ...aFailure(),
    object: { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' },
  } as const;
  const after = (
    before: Partial<NodeResult>,
    change: (report: ClusterReport) => ClusterReport = (same) => same,
  ) =>
    conclude([aResult({ failures: [failing] })], change(conclude([aResult(before)])), { day: 1 }).findings[0]
      ?.lastWithout;

  it('is the one before, if that judged the object', () => {
    expect(after({})).toBe(conclude([aResult()]).startedAt);
    expect(conclude([aResult({ failures: [failing] })]).findings[0]?.lastWithout).toBeNull();
  });

  it('is unknown where that did not read the node, or the check could not decide everything', () => {
    for (const result of ['failed', 'partial'] as const)
      expect(after({ coverage: { node: 'node-1', result, reason: 'x', remedy: null } })).toBeNull();
    const doubts = talliesOf(checks.slice(0, 2).map(({ id }) => id)).map((each) => ({ ...each, unknown: 1 }));
    expect(after({ tallies: doubts })).toBeNull();
  });

  it('is unknown where that was of another version, whose checks may find less', () => {
    expect(after({}, (report) => ({ ...report, auditorVersion: '0.0.9' }))).toBeNull();
  });

  it('is unknown of a pod that may have been too young for it', () => {
    const withUnjudged = (pods: number, named: string[]) => (report: ClusterReport) => ({
      ...report,
      coverage: { ...report.coverage, unjudged: [{ reason: 'young', pods, named }] },
    });
    expect(after({}, withUnjudged(1, ['shop/web-1']))).toBeNull();
    expect(after({}, withUnjudged(9, ['shop/web-2']))).toBeNull();
    expect(after({}, withUnjudged(1, ['shop/web-2']))).not.toBeNull();
  });
});

describe('what the tool can repair of a finding', () => {
  const repair = { kind: 'delete-veths', name: 'veth0badcafe', index: 7 } as const;
  const by = (changes: Partial<CheckFailure>, previous: ClusterReport | null = null) =>
    conclude([aResult({ failures: [aFailure(changes)] })], previous);

  it('is in the report as its check says it', () => {
    expect(by({ repair }).findings).toMatchObject([{ repair }]);
    expect(by({ repair: null }).findings).toMatchObject([{ repair: null }]);
  });

  it('is no part of what the finding is known by: another repair, or none before, leaves its history', () => {
    for (const before of [by({}), by({ repair: null }), by({ repair })])
      expect(by({ repair: { ...repair, index: 8 } }, before).findings).toMatchObject([
        { state: 'open', runs: 2, fingerprint: before.findings[0]?.fingerprint, repair: { index: 8 } },
      ]);
  });
});

describe('the verdict', () => {
  it('is healthy when every node was audited and nothing was found', () => {
    expect(conclude([aResult()]).verdict).toBe('healthy');
  });

  it('is incomplete when a node failed, as an unknown is never healthy', () => {
    const failed = aResult({
      node: 'node-2',
      coverage: { node: 'node-2', result: 'failed', reason: 'kubelet silent', remedy: null },
      tallies: [],
    });
    expect(conclude([aResult(), failed]).verdict).toBe('incomplete');
  });

  it('is incomplete when a check could not decide about one pod', () => {
    const unsure = aResult({
      tallies: [
        {
          check: 'a-check',
          passed: 2,
          notApplicable: 0,
          unknown: 1,
          reasons: ['unreadable'],
          unexamined: ['x'],
        },
      ],
    });
    const report = conclude([unsure]);
    expect(report.verdict).toBe('incomplete');
    expect(report.coverage.checks[0]).toMatchObject({
      check: 'a-check',
      examined: 2,
      unknown: 1,
      reasons: ['unreadable'],
    });
  });

  it('is not incomplete for a node that was skipped by design', () => {
    const skipped = aResult({
      node: 'fargate',
      coverage: { node: 'fargate', result: 'skipped', reason: 'Fargate', remedy: null },
      tallies: [],
    });
    expect(conclude([aResult(), skipped]).verdict).toBe('healthy');
  });

  it('is incomplete where a node that was audited before says that it is not to be', () => {
    const before = conclude([aResult(), aResult({ node: 'node-2', coverage: read('node-2') })]);
    expect(before.verdict).toBe('healthy');
    const skipped = aResult({
      node: 'node-2',
      coverage: { node: 'node-2', result: 'skipped', reason: 'Fargate', remedy: null },
      tallies: [],
    });
    const after = conclude([aResult(), skipped], before);
    expect(after.verdict).toBe('incomplete');
    expect(after.coverage.nodes[1]).toMatchObject({
      result: 'failed',
      reason: 'it was audited before, and now it says: Fargate',
    });
    expect(conclude([aResult(), skipped], after).verdict).toBe('healthy');
  });

  it('keeps a report that a store can hold, whatever hostile nodes find in themselves', () => {
    const flood = (node: string, detail: string) =>
      aResult({
        node,
        coverage: read(node),
        failures: Array.from({ length: 1_000 }, (_, index) =>
          aFailure({ object: { kind: 'file', name: `/f${index}`, node }, detail }),
        ),
      });
    const hostile = Array.from({ length: 20 }, (_, index) => flood(`evil-${index}`, 'x'.repeat(5_000)));
    const honest = aResult({
      node: 'good',
      coverage: read('good'),
      failures: [aFailure({ object: { kind: 'file', name: '/real', node: 'good' } })],
    });
    const report = conclude([...hostile, honest]);
    expect(JSON.stringify(report.findings).length).toBeLessThan(100 * 1024 * 1024);
    expect(report.findings.map(({ object }) => object.name)).toContain('/real');
    const [check] = report.coverage.checks;
    expect(report.findings.length + (check?.unknown ?? 0)).toBe(20_001);
    expect(check?.reasons.join(' ')).toContain(
      'too many findings in a report of this size: this check has 1000',
    );
  });

  it('is critical for one critical finding, whatever the coverage', () => {
    expect(conclude([aResult({ failures: [aFailure({ severity: 'critical' })] })]).verdict).toBe('critical');
  });
});

describe('a finding through time', () => {
  const broken = aResult({ failures: [aFailure()] });

  it('is new, then open, then resolved when the same check examined it again and passed', () => {
    const first = conclude([broken]);
    expect(first.findings[0]).toMatchObject({ state: 'new', runs: 1, firstSeen: '2026-11-20T02:00:00.000Z' });
    const second = conclude([broken], first, { day: 1 });
    expect(second.findings[0]).toMatchObject({
      state: 'open',
      runs: 2,
      firstSeen: '2026-11-20T02:00:00.000Z',
      lastSeen: '2026-11-21T02:00:00.000Z',
    });
    const third = conclude([aResult()], second, { day: 2 });
    expect(third.findings).toEqual([]);
    expect(third.resolved[0]).toMatchObject({ state: 'resolved', resolution: 'the check passed' });
    const again = conclude([broken], third, { day: 3 });
    expect(again.findings[0]).toMatchObject({ state: 'new', flaps: 1 });
  });

  it('stays open, not seen, when its node could not be audited', () => {
    const away = aResult({
      coverage: { node: 'node-1', result: 'failed', reason: 'timeout', remedy: null },
      tallies: [],
    });
    const report = conclude([away], conclude([broken]), { day: 1 });
    expect(report.findings[0]).toMatchObject({
      state: 'open',
      notSeen: true,
      lastSeen: '2026-11-20T02:00:00.000Z',
    });
    expect(report.resolved).toEqual([]);
  });

  it('keeps its history and its fingerprint when its check is renamed, also while its node is away', () => {
    const first = conclude([broken]);
    const renamed = { ...nodeCheck, id: 'b-check', formerly: ['a-check'] };
    const names = { checks: [renamed, patientCheck, clusterCheck], day: 1 };
    const [found] = conclude(
      [aResult({ failures: [aFailure({ check: 'b-check' })] })],
      first,
      names,
    ).findings;
    expect(found).toMatchObject({
      check: 'b-check',
      state: 'open',
      runs: 2,
      fingerprint: first.findings[0]?.fingerprint,
    });
    const away = aResult({
      coverage: { node: 'node-1', result: 'failed', reason: 'timeout', remedy: null },
      tallies: [],
    });
    expect(conclude([away], first, names).findings).toMatchObject([{ check: 'b-check', notSeen: true }]);
    const passed = { check: 'b-check', passed: 1, notApplicable: 0, unknown: 0, reasons: [], unexamined: [] };
    expect(conclude([aResult({ tallies: [passed] })], first, names).resolved).toMatchObject([
      { check: 'b-check', resolution: 'the check passed' },
    ]);
  });

  it('stays open when the check judged nothing this time', () => {
    const blind = aResult({
      tallies: [
        { check: 'a-check', passed: 0, notApplicable: 0, unknown: 1, reasons: ['no log'], unexamined: [] },
      ],
    });
    expect(conclude([blind], conclude([broken]), { day: 1 }).findings[0]?.notSeen).toBe(true);
  });

  it('is resolved with its reason when its node or its pod is gone', () => {
    const gone = conclude(
      [
        aResult({
          node: 'node-9',
          coverage: { node: 'node-9', result: 'audited', reason: null, remedy: null },
        }),
      ],
      conclude([broken]),
      { day: 1 },
    );
    expect(gone.resolved[0]?.resolution).toBe('node node-1 is gone');
    const ofPod = aResult({
      failures: [aFailure({ object: { kind: 'pod', namespace: 'shop', name: 'web-0', node: 'node-1' } })],
    });
    expect(conclude([aResult()], conclude([ofPod]), { day: 1 }).resolved[0]?.resolution).toBe(
      'pod shop/web-0 is gone from node node-1',
    );
  });

  it('is not resolved by an audit of other nodes only', () => {
    const other = aResult({
      node: 'node-2',
      coverage: { node: 'node-2', result: 'audited', reason: null, remedy: null },
    });
    expect(conclude([other], conclude([broken]), { day: 1, scope: 'part' }).findings[0]?.notSeen).toBe(true);
  });

  it('that wants two observations is pending first, and does not count', () => {
    const leak = aResult({ failures: [aFailure({ check: 'patient-check', severity: 'critical' })] });
    const healthyBefore = conclude([aResult()]);
    const first = conclude([leak], healthyBefore, { day: 1 });
    expect(first.findings[0]?.state).toBe('pending');
    expect(first.verdict).toBe('healthy');
    expect(conclude([leak], first, { day: 2 }).findings[0]?.state).toBe('new');
    expect(conclude([aResult()], first, { day: 2 }).resolved).toEqual([]);
  });

  it('is told at once, as probable, where there is no earlier report or nothing is to settle', () => {
    const leak = aResult({ failures: [aFailure({ check: 'patient-check' })] });
    expect(conclude([leak]).findings[0]).toMatchObject({ state: 'new', confidence: 'probable' });
    expect(conclude([leak], conclude([aResult()]), { orphan: 0 }).findings[0]).toMatchObject({
      state: 'new',
      confidence: 'probable',
    });
  });
});

describe('a broken pod', () => {
  const object = { kind: 'pod', namespace: 'shop', name: 'web-0', node: 'node-1' } as const;
  const broken = (workloads?: NodeResult['workloads']) =>
    aResult({
      pods: ['shop/web-0'],
      failures: [aFailure({ object })],
      ...(workloads === undefined ? {} : { workloads }),
    });
  const other = (workloads?: NodeResult['workloads']) => ({
    ...resultOf('node-2'),
    ...(workloads === undefined ? {} : { workloads }),
  });
  const replicas = (...args: Parameters<typeof conclude>) => conclude(...args).findings[0]?.replicas;

  it('comes with the number of pods that its workload has on all nodes', () => {
    const nodes = [broken({ 'shop/StatefulSet/web': 1 }), other({ 'shop/StatefulSet/web': 2 })];
    expect(replicas(nodes)).toBe(3);
  });

  it('comes without it where pods of a node are not known, nodes were left out, or workloads share the name', () => {
    expect(replicas([broken({ 'shop/StatefulSet/web': 1 }), other()])).toBeUndefined();
    expect(replicas([broken({ 'shop/StatefulSet/web': 1 })], null, { scope: 'part' })).toBeUndefined();
    const two = [broken({ 'shop/StatefulSet/web': 1, 'shop/ReplicaSet/web': 4 })];
    expect(replicas(two)).toBeUndefined();
  });
});

describe('a repair with kubectl', () => {
  const remedy = [{ purpose: 'repair', text: 'Delete it.', command: 'kubectl delete pod a' }] as const;
  const broken = [aResult({ failures: [aFailure({ remedy: [...remedy] })] })];

  it('acts on the cluster of the audit, whatever the current context of its reader', () => {
    expect(conclude(broken, null, { kubectl: ['--context', 'prod'] }).findings[0]?.remedy).toEqual([
      { ...remedy[0], command: 'kubectl --context prod delete pod a' },
    ]);
  });

  it('names the cluster if the audit used no kubeconfig', () => {
    expect(conclude(broken).findings[0]?.remedy).toEqual([
      { ...remedy[0], text: 'On cluster prod-eu: Delete it.' },
    ]);
  });
});

describe('the order of a report', () => {
  it('is worst first and the same whatever node answered first', () => {
    const a = aResult({ failures: [aFailure()] });
    const b = aResult({
      node: 'node-2',
      coverage: { node: 'node-2', result: 'audited', reason: null, remedy: null },
      failures: [aFailure({ object: nodeObject('node-2'), severity: 'critical' })],
    });
    const report = conclude([a, b]);
    expect(report).toEqual(conclude([b, a]));
    expect(report.findings.map((finding) => finding.object.name)).toEqual(['node-2', 'node-1']);
  });
});

it('keeps the report, and earlier findings open, where a check across nodes throws', () => {
  const conclusion = (check: typeof clusterCheck, previous: ClusterReport | null) =>
    diagnoseCluster({
      runId: '20260101T000000Z-00000000',
      cluster: { name: 'test', uid: 'uid', version: 'v1.33.0' },
      scope: 'cluster',
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:00:00.000Z',
      auditorVersion: '0.0.0',
      results: [aResult()],
      checks: [nodeCheck, patientCheck, check],
      previous,
      settleSeconds: { pod: 300, orphan: 900 },
      exceptions: [],
    });
  const object = { kind: 'cluster', name: 'all' } as const;
  const failing = { detail: 'left', confidence: 'confirmed', evidence: [], remedy: [] } as const;
  const broken = conclusion({ ...clusterCheck, run: () => [fail(object, failing)] }, null);
  const run = (): never => {
    throw new Error('odd input');
  };
  const report = conclusion({ ...clusterCheck, run }, broken);
  expect(report.coverage.checks).toContainEqual(
    expect.objectContaining({
      check: 'cluster-check',
      unknown: 1,
      reasons: ['the check failed: odd input'],
    }),
  );
  expect(report.findings).toMatchObject([{ check: 'cluster-check', state: 'open', notSeen: true }]);
  expect(report).toMatchObject({ verdict: 'incomplete', resolved: [] });
});
