import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { defineCheck, defineClusterCheck, fail, pass } from '../../lib/checks/define.ts';
import { askedLabels } from '../../lib/diagnosis/exceptions.ts';
import { hasFindings } from '../../lib/diagnosis/verdict.ts';
import { type Exception, exceptionSchema } from '../../lib/model/exception.ts';
import type { AuditedObject } from '../../lib/model/finding.ts';
import type { CheckFailure, NodeResult } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { write } from '../../lib/report/index.ts';
import { conclude as concludeAs } from './nodes.ts';

const brokenCheck = defineCheck({
  id: 'pod-is-broken',
  formerly: ['pod-broken'],
  topic: 'interfaces',
  severity: 'critical',
  title: 'Pods are whole',
  failureTitle: 'A pod is broken',
  why: 'It is a test.',
  needs: [],
  run: () => [pass({ kind: 'node', name: 'node-1' })],
});
/** With the same name, on different nodes: a node is not believed about its cluster. */
const brokenAcross = (objects: readonly AuditedObject[]) => {
  const { needs: _, scope: __, run: ___, ...metadata } = brokenCheck;
  const failing = { detail: 'broken', confidence: 'confirmed', evidence: [], remedy: [] } as const;
  return defineClusterCheck({ ...metadata, run: () => objects.map((object) => fail(object, failing)) });
};
const checks = [brokenCheck, ...catalogue.filter(({ id }) => id.startsWith('exception-'))];
const web: AuditedObject = { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' };

const labels = {
  'node-1': { pool: 'spot' },
  'shop/web-1': { app: 'legacy', tier: 'web-front' },
  'shop/web-2': { app: 'modern' },
};

const anException = (changes: Partial<Exception> = {}): Exception =>
  exceptionSchema.parse({
    check: 'pod-is-broken',
    objects: ['shop/web-*'],
    reason: 'known',
    owner: 'net-team',
    expires: '2026-11-22',
    ...changes,
  });

function failure(object: AuditedObject): CheckFailure {
  const outcome = fail(object, { detail: 'broken', confidence: 'confirmed', evidence: [], remedy: [] });
  if (outcome.result !== 'fail') throw new Error('no failure');
  return {
    check: brokenCheck.id,
    object,
    severity: 'critical',
    confidence: 'confirmed',
    detail: 'broken',
    evidence: [],
    remedy: [],
  };
}

function conclude(
  objects: AuditedObject[],
  exceptions: Exception[],
  changes: {
    day?: number;
    previous?: ClusterReport;
    failed?: boolean;
    judged?: boolean;
    labels?: NodeResult['labels'];
    scope?: 'cluster' | 'part';
  } = {},
): ClusterReport {
  const ofCluster = objects.filter(({ kind }) => kind === 'cluster');
  const node: NodeResult = {
    node: 'node-1',
    coverage: {
      node: 'node-1',
      result: changes.failed === true ? 'failed' : 'audited',
      reason: null,
      remedy: null,
    },
    facts: null,
    tallies: [
      {
        check: brokenCheck.id,
        passed: changes.judged === false ? 0 : 1,
        notApplicable: changes.judged === false ? 1 : 0,
        unknown: 0,
        reasons: [],
        unexamined: [],
      },
    ],
    failures: ofCluster.length > 0 ? [] : objects.map(failure),
    podAddresses: [],
    debugPods: [],
    pods: ['shop/web-1'],
    labels: changes.labels ?? labels,
  };
  return concludeAs([node], changes.previous ?? null, {
    ...changes,
    exceptions,
    checks: ofCluster.length > 0 ? [brokenAcross(ofCluster), ...checks.slice(1)] : checks,
  });
}

const suppressedOf = (report: ClusterReport) =>
  report.findings.find(({ check }) => check === brokenCheck.id)?.suppressed;
const about = (report: ClusterReport) =>
  report.findings
    .filter(({ check }) => check.startsWith('exception-'))
    .map(({ check, state }) => `${check} ${state}`);

describe('a finding that an exception covers', () => {
  it('stays in the report, and counts neither for the verdict nor for the exit code', () => {
    const report = conclude([web], [anException()]);
    expect(suppressedOf(report)).toEqual({ reason: 'known', owner: 'net-team', expires: '2026-11-22' });
    expect(report.verdict).toBe('healthy');
    expect(hasFindings(report, 'low')).toBe(false);
    expect(conclude([web], []).verdict).toBe('critical');
  });

  it.each([
    ['namespace/name with *', ['shop/web-*'], true],
    ['the name as reports print it', ['shop/web-1 on node-1'], true],
    ['its node', ['node-1'], true],
    ['its kind', ['pod'], true],
    ['anything', ['*'], true],
    ['one of many', ['billing/*', 'shop/*-1'], true],
    ['a part of a name', ['web-1'], false],
    ['another namespace', ['billing/*'], false],
    ['a regular expression, which it is not', ['shop/web-.'], false],
  ])('is chosen by %s', (_, objects, covered) => {
    expect(suppressedOf(conclude([web], [anException({ objects })])) !== null).toBe(covered);
  });

  const node = 'node-1';
  it.each<[string, AuditedObject, string[]]>([
    ['a pod', web, ['shop/web-1', 'pod', 'node-1', 'shop/web-1 on node-1']],
    ['a node', { kind: 'node', name: node }, ['node', 'node-1']],
    [
      'a table of a node',
      { kind: 'node', name: node, path: 'arp_cache' },
      ['node-1', 'arp_cache', 'node-1 arp_cache'],
    ],
    [
      'a namespace that is pinned',
      { kind: 'namespace', name: 'cni-1', path: '/run/netns/cni-1', node },
      ['cni-1', '/run/netns/cni-1', '*/cni-1', 'namespace', 'node-1', '/run/netns/cni-1 on node-1'],
    ],
    [
      'a namespace without a path',
      { kind: 'namespace', name: 'net:[4026532400]', node },
      ['net:[4026532400]', 'net:[4026532400] on node-1'],
    ],
    [
      'a file',
      { kind: 'file', name: '/opt/cni/bin/bridge', node },
      ['/opt/cni/bin/bridge', 'file', '/opt/cni/bin/bridge on node-1'],
    ],
    [
      'the reservations of a network',
      { kind: 'file', name: 'cbr0', path: '/var/lib/cni/networks/cbr0', node },
      ['cbr0', '/var/lib/cni/networks/cbr0', '/var/lib/cni/networks/cbr0 on node-1'],
    ],
    [
      'an address',
      { kind: 'address', name: '10.244.1.7', path: 'veth1', node },
      ['10.244.1.7', 'veth1', 'address', '10.244.1.7 veth1', '10.244.1.7 veth1 on node-1'],
    ],
    ['a link', { kind: 'link', name: 'veth1', node }, ['veth1', 'link', 'veth1 on node-1']],
    ['a process', { kind: 'process', name: 'envoy', node }, ['envoy', 'process', 'envoy on node-1']],
    ['a cluster', { kind: 'cluster', name: 'prod-eu' }, ['cluster', 'prod-eu']],
    [
      'what a hostile node says',
      { kind: 'link', name: 'veth\u202e1', node },
      ['veth\u202e1', 'veth\\u202e1', 'veth\\u202e1 on node-1'],
    ],
  ])(
    'is chosen, where it is about %s, by each of its names and by what reports print',
    (_, object, texts) => {
      for (const text of texts)
        expect(suppressedOf(conclude([object], [anException({ objects: [text] })])), text).not.toBeNull();
      expect(
        suppressedOf(conclude([object], [anException({ objects: texts.map((text) => `${text}x`) })])),
      ).toBe(null);
      const printed = write(conclude([object], []), 'text', {
        colour: false,
        width: 200,
        why: new Map(),
        verbose: true,
      });
      expect(printed).toContain(`  ${brokenCheck.id}  ${texts.at(-1)}\n`);
    },
  );

  it('is chosen by its check, also by a name that the check had before', () => {
    for (const check of ['pod-is-broken', 'pod-broken', 'pod-*'])
      expect(suppressedOf(conclude([web], [anException({ check })]))).not.toBeNull();
    expect(suppressedOf(conclude([web], [anException({ check: 'veth-*' })]))).toBeNull();
  });

  it.each([
    ['a label of the pod', { labels: { app: 'legacy' } }, true],
    ['its value with *', { labels: { tier: 'web-*' } }, true],
    ['a label with any value', { labels: { app: '*' } }, true],
    ['a label of its node', { labels: { pool: 'spot' } }, true],
    ['labels of the pod and of its node', { labels: { app: 'legacy', pool: 'spot' } }, true],
    ['another value', { labels: { app: 'modern' } }, false],
    ['a part of a value', { labels: { app: 'leg' } }, false],
    ['labels of which it lacks one', { labels: { app: 'legacy', release: 'r1' } }, false],
    ['labels and a pattern that both fit', { labels: { app: 'legacy' }, objects: ['shop/*'] }, true],
    ['labels that fit and a pattern that does not', { labels: { app: 'legacy' }, objects: ['lab/*'] }, false],
    ['a pattern that fits and labels that do not', { labels: { app: 'modern' }, objects: ['shop/*'] }, false],
  ])('is chosen by %s', (_, by, covered) => {
    const report = conclude([web], [anException({ objects: undefined, ...by })]);
    expect(suppressedOf(report) !== null).toBe(covered);
  });

  it('is chosen by the labels of the node that it is about', () => {
    const node: AuditedObject = { kind: 'node', name: 'node-1' };
    const spot = anException({ objects: undefined, labels: { pool: 'spot' } });
    expect(suppressedOf(conclude([node], [spot]))).not.toBeNull();
    const file: AuditedObject = { kind: 'file', name: '/opt/cni/bin/bridge', node: 'node-1' };
    expect(suppressedOf(conclude([file], [spot]))).not.toBeNull();
  });

  it('is told by its labels from another pod of the same node', () => {
    const legacy = anException({ objects: undefined, labels: { app: 'legacy' } });
    const report = conclude([web, { ...web, name: 'web-2' }], [legacy]);
    expect(report.findings.map(({ object, suppressed }) => [object.name, suppressed !== null])).toEqual([
      ['web-1', true],
      ['web-2', false],
    ]);
  });

  it('stays covered by labels where its pod is out of sight, as long as the exception stands', () => {
    const legacy = anException({ objects: undefined, labels: { app: 'legacy' } });
    const previous = conclude([web], [legacy]);
    const away = { day: 1, previous, failed: true, labels: {} };
    const longer = { ...legacy, expires: '2027-01-01' };
    expect(suppressedOf(conclude([], [longer], away))).toMatchObject({ expires: '2027-01-01' });
    expect(about(conclude([], [legacy], away))).toEqual([]);
    expect(suppressedOf(conclude([], [], away))).toBeNull();
    expect(suppressedOf(conclude([], [{ ...legacy, owner: 'others' }], away))).toBeNull();
  });

  it('counts when its labels no longer fit', () => {
    const legacy = anException({ objects: undefined, labels: { app: 'legacy' } });
    const previous = conclude([web], [legacy]);
    const now = { ...labels, 'shop/web-1': { app: 'modern' } };
    expect(suppressedOf(conclude([web], [legacy], { day: 1, previous, labels: now }))).toBeNull();
  });

  it('leaves no label in the report', () => {
    const report = conclude([web], [anException({ objects: undefined, labels: { app: 'legacy' } })]);
    expect(JSON.stringify(report)).not.toContain('legacy');
  });

  it('is chosen in the clusters that the exception names', () => {
    expect(suppressedOf(conclude([web], [anException({ clusters: ['prod-*'] })]))).not.toBeNull();
    expect(suppressedOf(conclude([web], [anException({ clusters: ['stage'] })]))).toBeNull();
  });

  it('stays covered while its node is away', () => {
    const previous = conclude([web], [anException()]);
    const report = conclude([], [anException()], { day: 1, previous, failed: true });
    expect(report.findings).toMatchObject([{ notSeen: true, suppressed: { owner: 'net-team' } }]);
    expect(about(report)).toEqual([]);
  });

  it('counts again on the day after the last, and the exception is reported', () => {
    const last = conclude([web], [anException()], { day: 2 });
    expect(suppressedOf(last)).not.toBeNull();
    expect(about(last)).toEqual([]);
    const after = conclude([web], [anException()], { day: 3, previous: last });
    expect(suppressedOf(after)).toBeNull();
    expect(after.verdict).toBe('critical');
    expect(about(after)).toEqual(['exception-expired new']);
    // Neither the owner's silence nor another exception hides it.
    const all = anException({ check: '*', objects: ['*'], expires: '2027-01-01' });
    expect(about(conclude([web], [anException(), all], { day: 3, previous: last }))).toContain(
      'exception-expired new',
    );
  });
});

it('keeps of the pods that have none of the labels one empty object, and not one each', () => {
  const kept = new Map(askedLabels(labels, [anException({ labels: { pool: '*' } })]));
  expect([...kept.keys()]).toEqual(Object.keys(labels));
  expect(kept.get('node-1')).toEqual({ pool: 'spot' });
  expect(kept.get('shop/web-1')).toEqual({});
  expect(kept.get('shop/web-2')).toBe(kept.get('shop/web-1'));
});

it('takes an exception that names objects, labels or both, and no other', () => {
  const rest = { check: '*', reason: 'known', owner: 'net-team', expires: '2026-11-22' };
  expect(exceptionSchema.safeParse({ ...rest, labels: { app: 'legacy' } }).success).toBe(true);
  expect(exceptionSchema.safeParse({ ...rest, objects: ['*'] }).success).toBe(true);
  expect(exceptionSchema.safeParse({ ...rest, labels: {} }).success).toBe(false);
  expect(exceptionSchema.safeParse(rest).error?.issues[0]?.message).toMatch(/objects, labels or both/);
});

describe('an exception that covers nothing', () => {
  it('is reported when two audits saw it, and no longer once it is taken out', () => {
    const healthy = conclude([], []);
    const first = conclude([], [anException()], { day: 1, previous: healthy });
    expect(about(first)).toEqual(['exception-unused pending']);
    const second = conclude([], [anException()], { day: 2, previous: first });
    expect(about(second)).toEqual(['exception-unused new']);
    expect(second.verdict).toBe('healthy');
    const out = conclude([], [], { day: 3, previous: second });
    expect(about(out)).toEqual([]);
    expect(out.resolved).toMatchObject([{ check: 'exception-unused' }]);
  });

  it('is in use where what it covers could not be judged this time, though its node was audited', () => {
    const previous = conclude([web], [anException()]);
    const report = conclude([], [anException()], { day: 1, previous, judged: false });
    expect(report.findings).toMatchObject([{ notSeen: true }]);
    expect(about(report)).toEqual([]);
  });

  it('is not judged where a node failed or a part was audited, and stays reported', () => {
    const first = conclude([], [anException()]);
    expect(about(first)).toEqual(['exception-unused new']);
    for (const changes of [{ failed: true }, { scope: 'part' as const }]) {
      expect(about(conclude([], [anException()], changes))).toEqual([]);
      const later = conclude([], [anException()], { day: 1, previous: first, ...changes });
      expect(about(later)).toEqual(['exception-unused open']);
      expect(later.resolved).toEqual([]);
    }
  });

  it('is reported at once as unknown when its check is misspelt', () => {
    const report = conclude([web], [anException({ check: 'pod-is-brokn' })]);
    expect(report.findings.find(({ check }) => check === 'exception-unused')?.detail).toContain(
      'no check has this name',
    );
  });
});

it('takes no long time over a pattern and a name that are made to', () => {
  const path = 'a'.repeat(300_000);
  const report = conclude([{ ...web, path }], [anException({ objects: [`${'a*'.repeat(190)}b`] })]);
  expect(suppressedOf(report)).toBeNull();
});
