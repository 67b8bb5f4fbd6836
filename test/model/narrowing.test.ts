import { describe, expect, it } from 'vitest';
import { isAbout } from '../../lib/model/narrowing.ts';

const about = (object: { kind: string; name: string; node?: string }) => ({ check: 'any', object });

describe('the findings of a node', () => {
  it.each([
    ['the node itself', { kind: 'node', name: 'a' }, true],
    ['a pod on it', { kind: 'pod', name: 'web-1', node: 'a' }, true],
    ['another node', { kind: 'node', name: 'b' }, false],
    ['a pod elsewhere with the name of the node', { kind: 'pod', name: 'a', node: 'b' }, false],
    ['a cluster with the name of the node', { kind: 'cluster', name: 'a' }, false],
  ])('%s', (_, object, expected) => {
    expect(isAbout(about(object), { node: 'a' })).toBe(expected);
    expect(isAbout(about(object), { node: 'a', check: 'other' })).toBe(false);
    expect(isAbout(about(object), {})).toBe(true);
  });
});
