import { expect, it } from 'vitest';
import { objectName } from '../../lib/report/group.ts';

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
