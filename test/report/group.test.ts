import { describe, expect, it } from 'vitest';
import { objectName } from '../../lib/model/finding.ts';
import { countOf, groups, impactOf, stepsOf } from '../../lib/report/group.ts';
import { aFinding } from './sample.ts';

it('names an object once, however often its name is in its path', () => {
  const node = 'node-1';
  expect(objectName({ kind: 'namespace', name: 'cni-1', path: '/run/netns/cni-1', node })).toBe(
    '/run/netns/cni-1 on node-1',
  );
  expect(objectName({ kind: 'file', name: '/run/netns', path: '/run/netns', node })).toBe(
    '/run/netns on node-1',
  );
  expect(objectName({ kind: 'address', name: '10.0.0.1', path: 'veth1', node })).toBe(
    '10.0.0.1 veth1 on node-1',
  );
  expect(objectName({ kind: 'pod', namespace: 'shop', name: 'web-1', node })).toBe('shop/web-1 on node-1');
  expect(objectName({ kind: 'node', name: node })).toBe('node-1');
});

describe('the repair of one fault on two nodes', () => {
  const stepsOn = (step: (node: string) => { text: string; command?: string }) => {
    const findings = ['node-1', 'node-1.b'].map((node) =>
      aFinding({
        fingerprint: node,
        object: { kind: 'node', name: node },
        remedy: [{ purpose: 'repair', ...step(node) }],
      }),
    );
    return groups({ findings }).flatMap(stepsOf);
  };

  it('says once what is typed on each of them to the letter', () => {
    const command = 'sysctl -w net.ipv4.neigh.default.gc_thresh3=4096';
    const text = (node: string) => `On node ${node}, as root: raise it; then kubectl uncordon ${node}.`;
    expect(stepsOn((node) => ({ text: text(node), command }))).toEqual([
      {
        purpose: 'repair',
        text: 'On each of the nodes, as root: raise it; then kubectl uncordon NODE.',
        commands: [command],
      },
    ]);
  });

  it('keeps commands that differ under the node that each is for', () => {
    const steps = stepsOn((node) => ({
      text: `On node ${node}: delete it.`,
      command: `rm /run/netns/${node}`,
    }));
    expect(steps.map(({ text, commands }) => [text, ...commands])).toEqual([
      ['On node node-1: delete it.', 'rm /run/netns/node-1'],
      ['On node node-1.b: delete it.', 'rm /run/netns/node-1.b'],
    ]);
  });
});

describe('what a fault means for those who use the pods', () => {
  const pod = (name: string, changes: { serves?: string[]; replicas?: number } = {}) => ({
    object: { kind: 'pod', namespace: 'shop', name } as const,
    ...changes,
  });

  it('says how many pods of the workload are hit, and of how many', () => {
    expect(impactOf([pod('web-7d4b9c6f5-x2x5k', { replicas: 3 })])).toBe('Affects 1 of 3 pods of shop/web.');
    expect(impactOf([pod('db-0', { replicas: 1 })])).toBe('Affects the only pod of shop/db.');
    expect(
      impactOf([pod('db-0', { replicas: 2 }), pod('db-1', { replicas: 2 }), pod('api-0', { replicas: 9 })]),
    ).toBe('Affects all 2 pods of shop/db and 1 of 9 pods of shop/api.');
  });

  it('names the Services, and says how many of the pods still get their traffic', () => {
    expect(impactOf([pod('web-0', { serves: ['shop/web'], replicas: 2 })])).toBe(
      'Affects 1 of 2 pods of shop/web. Still receives traffic of Service shop/web.',
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

it('counts parts of a cluster as objects, not as clusters', () => {
  const parts = ['a and b', 'a and c'].map((name) => ({ object: { kind: 'cluster', name } as const }));
  expect(countOf(parts)).toBe('2 objects');
});
