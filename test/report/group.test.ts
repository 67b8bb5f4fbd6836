import { describe, expect, it } from 'vitest';
import { objectName } from '../../lib/model/finding.ts';
import { countOf, groups, stepsOf } from '../../lib/report/group.ts';
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

it('counts parts of a cluster as objects, not as clusters', () => {
  const parts = ['a and b', 'a and c'].map((name) => ({ object: { kind: 'cluster', name } as const }));
  expect(countOf(parts)).toBe('2 objects');
});
