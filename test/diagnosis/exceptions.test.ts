import { describe, expect, it } from 'vitest';
import { catalogue } from '../../lib/checks/catalogue.ts';
import { defineCheck, fail, pass } from '../../lib/checks/define.ts';
import { concludeCluster } from '../../lib/diagnosis/conclude-cluster.ts';
import { hasFindings } from '../../lib/diagnosis/verdict.ts';
import { type Exception, exceptionSchema } from '../../lib/model/exception.ts';
import type { AuditedObject } from '../../lib/model/finding.ts';
import type { CheckFailure, NodeResult } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';

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
const checks = [brokenCheck, ...catalogue.filter(({ id }) => id.startsWith('exception-'))];
const web: AuditedObject = { kind: 'pod', namespace: 'shop', name: 'web-1', node: 'node-1' };

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
    scope?: 'cluster' | 'part';
  } = {},
): ClusterReport {
  const at = `2026-11-${20 + (changes.day ?? 0)}T02:00:00.000Z`;
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
    failures: objects.map(failure),
    podAddresses: [],
    debugPods: [],
    pods: ['shop/web-1'],
  };
  return concludeCluster({
    runId: `run-${changes.day ?? 0}`,
    cluster: { name: 'prod-eu', uid: 'uid', version: 'v1.36.2' },
    scope: changes.scope ?? 'cluster',
    startedAt: at,
    finishedAt: at,
    auditorVersion: '0.1.0',
    results: [node],
    checks,
    previous: changes.previous ?? null,
    settleSeconds: { pod: 300, orphan: 900 },
    exceptions,
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

  it('is chosen by its check, also by a name that the check had before', () => {
    for (const check of ['pod-is-broken', 'pod-broken', 'pod-*'])
      expect(suppressedOf(conclude([web], [anException({ check })]))).not.toBeNull();
    expect(suppressedOf(conclude([web], [anException({ check: 'veth-*' })]))).toBeNull();
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
