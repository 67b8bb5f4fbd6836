import { expect, it } from 'vitest';
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
