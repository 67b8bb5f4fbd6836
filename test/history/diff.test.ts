import { describe, expect, it } from 'vitest';
import { diffText } from '../../bin/reports-text.ts';
import { diff } from '../../lib/history/index.ts';
import { aFinding, aReport } from '../report/sample.ts';

const standing = aFinding({ fingerprint: 'standing', state: 'open' });

it('names a fault that was put in between, and nothing else', () => {
  const fault = aFinding({ fingerprint: 'fault' });
  const found = diff(aReport({ findings: [standing] }), aReport({ findings: [fault, standing] }));
  expect(found).toMatchObject({ appeared: [fault], gone: [], changed: [], nodes: [], same: 1 });
});

it('says why a finding is gone where the later report knows', () => {
  const found = diff(
    aReport({ findings: [standing] }),
    aReport({ resolved: [{ ...standing, state: 'resolved', resolution: 'node node-1 is gone' }] }),
  );
  expect(found.gone.map(({ resolution }) => resolution)).toEqual(['node node-1 is gone']);
});

it('shows a severity that changed, with what it was', () => {
  const worse = aFinding({ ...standing, severity: 'critical' });
  const found = diff(
    aReport({ findings: [{ ...standing, severity: 'low' }] }),
    aReport({ findings: [worse] }),
  );
  expect(found.changed.map(({ before, after }) => [before.severity, after.severity])).toEqual([
    ['low', 'critical'],
  ]);
  expect(found.same).toBe(0);
});

it('leaves out what waits for a second observation, and what an exception covers', () => {
  const exception = { reason: 'known', owner: 'sre', expires: '2027-01-01' };
  const findings = [
    aFinding({ fingerprint: 'p', state: 'pending' }),
    aFinding({ fingerprint: 's', suppressed: exception }),
  ];
  expect(diff(aReport(), aReport({ findings })).appeared).toEqual([]);
});

it('shows nodes that came, went, or were no longer audited', () => {
  const coverage = (nodes: Record<string, 'audited' | 'failed'>) => ({
    checks: [],
    nodes: Object.entries(nodes).map(([node, result]) => ({ node, result, reason: null, remedy: null })),
  });
  const before = aReport({ coverage: coverage({ a: 'audited', b: 'audited', c: 'audited' }) });
  const after = aReport({ coverage: coverage({ a: 'audited', b: 'failed', d: 'audited' }) });
  expect(diff(before, after).nodes).toEqual([
    { node: 'b', before: 'audited', after: 'failed' },
    { node: 'c', before: 'audited', after: null },
    { node: 'd', before: null, after: 'audited' },
  ]);
});

describe('an audit of a part of the cluster', () => {
  const [node1, node2] = ['node-1', 'node-2'].map((node) => ({
    node,
    result: 'audited' as const,
    reason: null,
    remedy: null,
  }));
  if (node1 === undefined || node2 === undefined) throw new Error('two nodes');
  const whole = aReport({ findings: [standing] });
  whole.coverage.nodes = [node1, node2];
  const part = aReport({ scope: 'part', findings: [] });
  part.coverage.nodes = [node2];

  it('makes neither findings nor nodes come or go that it did not look at', () => {
    expect(diff(whole, part)).toMatchObject({ gone: [], nodes: [] });
    expect(diff(part, whole)).toMatchObject({ appeared: [], nodes: [] });
  });

  it('tells what it saw', () => {
    const fault = aFinding({ fingerprint: 'fault', firstSeen: '2026-01-02T04:00:00Z' });
    const failed = { ...node2, result: 'failed' as const };
    const resolved = [{ ...standing, state: 'resolved' as const, resolution: 'the check passed' }];
    const found = diff(whole, {
      ...part,
      findings: [fault],
      resolved,
      coverage: { nodes: [failed], checks: [] },
    });
    expect(found).toMatchObject({
      appeared: [fault],
      gone: [{ fingerprint: 'standing', resolution: 'the check passed' }],
      nodes: [{ node: 'node-2', before: 'audited', after: 'failed' }],
    });
  });
});

it('says of which checks the earlier run knew nothing, as of another version', () => {
  const fault = aFinding({ fingerprint: 'fault', check: 'pod-dns-failing' });
  const found = diff(aReport(), aReport({ auditorVersion: '0.2.0', findings: [fault] }));
  expect(found.newChecks).toEqual(['pod-dns-failing']);
  expect(diffText(found)).toMatch(/did not have pod-dns-failing\.\nBy versions 0\.1\.0 and 0\.2\.0 /);
});

it('says that the cluster was replaced', () => {
  const other = aReport({ cluster: { name: 'prod-eu', uid: 'another', version: 'v1.36.0' } });
  expect(diffText(diff(aReport(), other))).toContain('two clusters under one name');
  expect(diffText(diff(aReport(), aReport()))).not.toContain('two clusters');
});
