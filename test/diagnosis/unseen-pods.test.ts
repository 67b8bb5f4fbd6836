import { describe, expect, it } from 'vitest';
import { conclude, failureOf, resultOf } from './nodes.ts';

const pod = { kind: 'pod', namespace: 'shop', name: 'own-of-node-1', node: 'node-1' } as const;

describe('a pod that was broken, and that the next audit did not look at', () => {
  const before = conclude([resultOf('node-1', { failures: [failureOf('pod-interface-missing', pod)] })]);

  it('stays broken: no check gives an outcome of a pod that is too young or has no ready sandbox', () => {
    const unseen = resultOf('node-1', { unseenPods: ['shop/own-of-node-1'] });
    const report = conclude([unseen], before, { day: 1 });
    expect(report.resolved).toEqual([]);
    expect(report.findings).toMatchObject([{ check: 'pod-interface-missing', state: 'open', notSeen: true }]);
  });

  it('is resolved by an audit that did, and where it is gone', () => {
    const passed = conclude([resultOf('node-1')], before, { day: 1 });
    expect(passed.resolved).toMatchObject([{ resolution: 'the check passed' }]);
    const gone = conclude([resultOf('node-1', { pods: ['shop/other'], unseenPods: [] })], before, { day: 1 });
    expect(gone.resolved).toMatchObject([{ resolution: 'pod shop/own-of-node-1 is gone from node node-1' }]);
  });

  it('is told apart by checks that look at more than its network', () => {
    const held = failureOf('sandbox-missing', pod);
    const earlier = conclude([resultOf('node-1', { failures: [held] })]);
    const now = conclude([resultOf('node-1', { unseenPods: ['shop/own-of-node-1'] })], earlier, { day: 1 });
    expect(now.resolved).toMatchObject([{ check: 'sandbox-missing' }]);
  });
});

describe('pods that were too young to be judged', () => {
  it('are counted over all nodes, with the age that would do', () => {
    const nodes = [
      resultOf('node-1', { youngPods: 2 }),
      resultOf('node-2', { youngPods: 1 }),
      resultOf('node-3'),
    ];
    expect(conclude(nodes).coverage.young).toEqual({ pods: 3, seconds: 300 });
  });

  it('are not mentioned where there are none', () => {
    const { coverage } = conclude([resultOf('node-1', { youngPods: 0, unjudged: [] })]);
    expect(coverage).not.toHaveProperty('young');
    expect(coverage).not.toHaveProperty('unjudged');
  });

  it('are counted for each reason over all nodes, and some of them named', () => {
    const reason = 'it is being deleted';
    const of = (node: number, pods: number) => ({
      reason,
      pods,
      named: Array.from({ length: Math.min(5, pods) }, (_, n) => `shop/pod-${node}-${n}`),
    });
    const nodes = [
      resultOf('node-1', { unjudged: [of(1, 3)] }),
      resultOf('node-2', { unjudged: [of(2, 9), { reason: 'young', pods: 1, named: ['shop/new'] }] }),
    ];
    expect(conclude(nodes).coverage.unjudged).toEqual([
      {
        reason,
        pods: 12,
        named: ['shop/pod-1-0', 'shop/pod-1-1', 'shop/pod-1-2', 'shop/pod-2-0', 'shop/pod-2-1'],
      },
      { reason: 'young', pods: 1, named: ['shop/new'] },
    ]);
  });
});
