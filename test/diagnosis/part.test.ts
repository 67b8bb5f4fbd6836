/** A part of a report has the verdict of that part, however it was requested. */
import { describe, expect, it } from 'vitest';
import { narrowed, ofAuditedNodes } from '../../lib/diagnosis/part.ts';
import { aFinding, aReport } from '../report/sample.ts';

const onNode = (node: string, changes: Partial<Parameters<typeof aFinding>[0]> = {}) =>
  aFinding({
    fingerprint: `${node} ${changes.check ?? ''}`,
    severity: 'critical',
    object: { kind: 'pod', namespace: 'shop', name: `web-on-${node}`, node },
    ...changes,
  });
const coverage = (nodes: Record<string, 'audited' | 'failed'>) => ({
  nodes: Object.entries(nodes).map(([node, result]) => ({ node, result, reason: null, remedy: null })),
  checks: [],
});
const names = (report: { findings: readonly { object: { name: string } }[] }) =>
  report.findings.map(({ object }) => object.name);

describe('a report asked for one node', () => {
  const report = aReport({
    verdict: 'critical',
    findings: [onNode('a'), onNode('b')],
    resolved: [onNode('b')],
    coverage: coverage({ a: 'audited', b: 'audited', c: 'audited' }),
  });

  it('has what is on that node alone, and is as healthy as it', () => {
    const part = narrowed(report, { node: 'c' });
    expect({ names: names(part), resolved: part.resolved, verdict: part.verdict }).toEqual({
      names: [],
      resolved: [],
      verdict: 'healthy',
    });
    expect(narrowed(report, { node: 'a' })).toMatchObject({ verdict: 'critical', scope: 'cluster' });
    expect(narrowed(report, { node: 'a' }).coverage.nodes.map(({ node }) => node)).toEqual(['a']);
  });

  it('is incomplete where the node was not examined', () => {
    const failed = { ...report, coverage: coverage({ a: 'audited', b: 'failed' }), findings: [] };
    expect(narrowed(failed, { node: 'b' }).verdict).toBe('incomplete');
    expect(narrowed(failed, { node: 'a' }).verdict).toBe('healthy');
    expect(narrowed(failed, { node: 'never-heard-of' }).verdict).toBe('incomplete');
  });

  it('has of a check its findings alone, and without a question all', () => {
    const two = { ...report, findings: [onNode('a', { check: 'veth-orphaned' }), onNode('b')] };
    expect(names(narrowed(two, { check: 'veth-orphaned' }))).toEqual(['web-on-a']);
    expect(narrowed(two, {})).toBe(two);
  });
});

describe('the report of a run of some nodes', () => {
  const ofCluster = (notSeen: boolean) =>
    aFinding({ fingerprint: `cluster ${notSeen}`, object: { kind: 'cluster', name: 'prod' }, notSeen });
  const report = aReport({
    scope: 'part',
    verdict: 'critical',
    findings: [onNode('a'), onNode('b'), ofCluster(false), ofCluster(true)],
    coverage: coverage({ a: 'audited' }),
  });

  it('leaves out other nodes, and what of the cluster it did not see itself', () => {
    expect(names(ofAuditedNodes(report, null))).toEqual(['web-on-a', 'prod']);
  });

  it('is of one pod what is about it, its node or the cluster', () => {
    const node = onNode('a', {
      check: 'kernel-known-bad',
      object: { kind: 'node', name: 'a' },
      severity: 'low',
    });
    const part = ofAuditedNodes(
      { ...report, findings: [...report.findings, node] },
      {
        namespace: 'shop',
        name: 'another',
      },
    );
    expect(names(part)).toEqual(['prod', 'a']);
    expect(names(ofAuditedNodes(report, { namespace: 'shop', name: 'web-on-a' }))).toEqual([
      'web-on-a',
      'prod',
    ]);
  });

  it('is of a namespace what is about its pods, their nodes or the cluster', () => {
    const other = onNode('a', { object: { kind: 'pod', namespace: 'bank', name: 'till', node: 'a' } });
    const whole = { ...report, findings: [...report.findings, other] };
    expect(names(ofAuditedNodes(whole, { namespace: 'bank', name: null }))).toEqual(['prod', 'till']);
    expect(names(ofAuditedNodes(whole, { namespace: 'shop', name: null }))).toEqual(['web-on-a', 'prod']);
  });

  it('is as bad as what is left', () => {
    expect(ofAuditedNodes(report, null).verdict).toBe('critical');
    const others = { ...report, findings: [onNode('b')] };
    expect(ofAuditedNodes(others, null).verdict).toBe('healthy');
  });
});
