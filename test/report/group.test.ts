import { describe, expect, it } from 'vitest';
import { objectName } from '../../lib/model/finding.ts';
import { groups, stepsOf, trafficOf } from '../../lib/report/group.ts';
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

describe('the Services of broken pods', () => {
  it('are named, and how many of the pods still get their traffic', () => {
    expect(trafficOf([{ serves: ['shop/web'] }])).toBe('Still receives traffic of Service shop/web.');
    expect(trafficOf([{ serves: ['shop/web', 'shop/api'] }, { serves: ['shop/web'] }])).toBe(
      'All of them still receive traffic of Services shop/web, shop/api.',
    );
    const many = Array.from({ length: 8 }, (_, n) => ({ serves: [`shop/s${n}`] }));
    expect(trafficOf([...many, { serves: [] }, {}])).toBe(
      '8 of them still receive traffic of Services shop/s0, shop/s1, shop/s2, shop/s3, shop/s4 and 3 more.',
    );
  });

  it('are not spoken of where there are none, or nothing is known of them', () => {
    expect(trafficOf([{ serves: [] }, {}])).toBeNull();
  });
});
