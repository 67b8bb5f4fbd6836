import { expect, it } from 'vitest';
import { differences } from '../../scripts/compare-reports.ts';

it('names what is another, what came and what went, and nothing where reports are the same', () => {
  const report = { verdict: 'healthy', findings: [{ check: 'a', node: null }], nodes: ['n'] };
  expect(differences(report, structuredClone(report))).toEqual([]);
  const changed = { verdict: 'degraded', findings: [{ check: 'a', node: null, repair: 1 }], nodes: [] };
  expect(differences(report, changed)).toEqual([
    'verdict: "healthy" → "degraded"',
    'findings[0].repair: nothing → 1',
    'nodes[0]: "n" → nothing',
  ]);
});
