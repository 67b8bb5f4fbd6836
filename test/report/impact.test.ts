import { describe, expect, it } from 'vitest';
import { affectedPods, impactOf, impactOfAll } from '../../lib/report/impact.ts';
import { aFinding } from './sample.ts';

describe('what a fault means for those who use the pods', () => {
  const pod = (name: string, changes: { serves?: string[]; replicas?: number } = {}) => ({
    object: { kind: 'pod', namespace: 'shop', name } as const,
    ...changes,
  });

  it('says how many pods of the workload are hit, and of how many', () => {
    expect(impactOf([pod('web-7d4b9c6f5-x2x5k', { replicas: 3 })])).toBe(
      'This fault affects 1 of 3 pods of shop/web.',
    );
    expect(impactOf([pod('db-0', { replicas: 1 })])).toBe('This fault affects the only pod of shop/db.');
    expect(
      impactOf([pod('db-0', { replicas: 2 }), pod('db-1', { replicas: 2 }), pod('api-0', { replicas: 9 })]),
    ).toBe('This fault affects both pods of shop/db and 1 of 9 pods of shop/api.');
  });

  it('names the Services, and says how many of the pods still get their traffic', () => {
    expect(impactOf([pod('web-0', { serves: ['shop/web'], replicas: 2 })])).toBe(
      'This fault affects 1 of 2 pods of shop/web. Still receives traffic of Service shop/web.',
    );
    expect(
      impactOf([pod('a', { serves: ['shop/web', 'shop/api'] }), pod('b', { serves: ['shop/web'] })]),
    ).toBe('All of these pods still receive traffic of Services shop/web and shop/api.');
    const many = Array.from({ length: 8 }, (_, n) => pod(`p${n}`, { serves: [`shop/s${n}`] }));
    expect(impactOf([...many, pod('a', { serves: [] }), pod('b')])).toBe(
      '8 of these pods still receive traffic of Services shop/s0, shop/s1, shop/s2, shop/s3, shop/s4 and 3 more.',
    );
  });

  it('says nothing where nothing is known', () => {
    expect(impactOf([pod('a', { serves: [] }), pod('web-0')])).toBeNull();
  });
});

describe('what all findings do together', () => {
  const finding = (check: string, name: string, more: object = {}) =>
    aFinding({
      fingerprint: `${check} ${name}`,
      check,
      object: { kind: 'pod', namespace: 'shop', name, node: 'node-1' },
      ...more,
    });

  it('adds up the pods that a workload loses to several faults, and counts each pod once', () => {
    const findings = [
      finding('pod-interface-missing', 'cart-0', { replicas: 6 }),
      finding('pod-interface-down', 'cart-1', { replicas: 6 }),
      finding('pod-loopback-down', 'cart-1', { replicas: 6 }),
      finding('pod-interface-down', 'web-0', { replicas: 2 }),
    ];
    expect(impactOfAll(findings)).toBe(
      'Together, the findings affect 1 of 2 pods of shop/web and 2 of 6 pods of shop/cart.',
    );
  });

  it('are named beside the part of one fault, where they hit more pods of the workload', () => {
    const [missing, down, other] = [
      finding('pod-interface-missing', 'cart-0', { replicas: 2 }),
      finding('pod-interface-down', 'cart-1', { replicas: 2 }),
      finding('pod-interface-missing', 'web-0', { replicas: 6 }),
    ];
    expect(impactOf([missing, other], affectedPods([missing, down, other]))).toBe(
      'This fault affects 1 of 2 pods of shop/cart (all findings together: both) and 1 of 6 pods of shop/web.',
    );
    expect(impactOf([down], affectedPods([missing, { ...down, state: 'pending' }]))).toBe(
      'This fault affects 1 of 2 pods of shop/cart.',
    );
  });

  it('counts the pods of a fault of their node, whose entry names no workload', () => {
    const node = finding('node-forwarding-disabled', '', { object: { kind: 'node', name: 'node-1' } });
    const pod = finding('pod-dns-failing', 'cart-0', { replicas: 3, partOf: node.fingerprint });
    expect(impactOfAll([node, pod])).toBe('Together, the findings affect 1 of 3 pods of shop/cart.');
  });

  it('says at least where a node has a fault whose pods have no finding', () => {
    const bridge = finding('node-bridge-broken', '', { object: { kind: 'node', name: 'node-1' } });
    const pods = ['pod-interface-down', 'pod-loopback-down'].map((check) =>
      finding(check, 'web-0', { replicas: 2 }),
    );
    expect(impactOfAll([bridge, ...pods])).toBe(
      'Together, the findings affect at least 1 of 2 pods of shop/web.',
    );
  });

  it('leaves out what is low, as the pods work', () => {
    const findings = ['pod-interface-down', 'pod-loopback-down'].map((check) =>
      finding(check, 'web-0', { replicas: 2, severity: 'low' }),
    );
    expect(impactOfAll(findings)).toBeNull();
  });

  it('is silent where each entry says the same, and leaves out what does not count', () => {
    const down = finding('pod-interface-down', 'cart-0', { replicas: 3 });
    expect(impactOfAll([down])).toBeNull();
    expect(impactOfAll([])).toBeNull();
    const pending = finding('pod-loopback-down', 'cart-1', { replicas: 3, state: 'pending' });
    expect(impactOfAll([down, pending])).toBeNull();
  });
});
