import { describe, expect, it } from 'vitest';
import { sandboxStale } from '../../../lib/checks/runtime/sandbox-stale.ts';
import type { Sandbox, Sources } from '../../../lib/model/evidence.ts';
import { aPin, aPod, aSandbox, context, failures } from '../evidence.ts';

const stopped = (changes: Partial<Sandbox> = {}) =>
  aSandbox({
    state: 'stopped',
    pid: null,
    process: 'none',
    networkNamespace: null,
    containers: [],
    ...changes,
  });

function run(changes: Partial<Sandbox> = {}, sources: Partial<Sources> = {}) {
  return sandboxStale.run(
    { sandboxes: [stopped(changes)], pins: [aPin()], pods: [], events: [], ...sources },
    context,
  );
}

describe('sandbox-stale', () => {
  it('passes ready sandboxes, and stopped ones that gave their namespace back', () => {
    expect(run({ state: 'ready' })[0]?.result).toBe('pass');
    expect(run({}, { pins: [] })[0]?.result).toBe('pass');
    expect(run({}, { pins: [aPin({ fileSystem: 'tmpfs' })] })[0]?.result).toBe('pass');
  });

  it('finds a stopped sandbox that still owns its namespace, and releases it before removing its record', () => {
    const [found] = failures(run());
    expect(found?.object).toMatchObject({ kind: 'pod', name: 'web-1', path: 'sandbox aaaaaaaaaaaaa' });
    expect(found?.detail).toContain('the API knows no such pod');
    const commands = found?.remedy.map(({ command }) => command) ?? [];
    expect(commands.slice(-2)).toEqual([`crictl stopp ${'a'.repeat(64)}`, `crictl rmp ${'a'.repeat(64)}`]);
  });

  it('finds the earlier attempt beside the new one once that is old enough', () => {
    const next = (createdAt: string) =>
      aSandbox({ id: 'b'.repeat(64), attempt: 1, namespacePath: null, createdAt });
    const both = (createdAt: string) => run({}, { sandboxes: [stopped(), next(createdAt)], pods: [aPod()] });
    expect(failures(both('2026-11-20T01:00:00Z'))).toHaveLength(1);
    expect(failures(both('2026-11-20T01:59:00Z'))).toEqual([]);
  });

  it.each<[string, Partial<Sandbox>, Partial<Sources>]>([
    ['a sandbox that changed meanwhile', { stable: false }, {}],
    ['a young one', { createdAt: '2026-11-20T01:50:00Z' }, {}],
    ['a pod that is being deleted', {}, { pods: [aPod({ deletionTimestamp: '2026-11-20T01:00:00Z' })] }],
    ['a pod that the API shows running', {}, { pods: [aPod()] }],
  ])('does not judge %s', (_, changes, sources) => {
    expect(run(changes, sources)[0]?.result).toBe('notApplicable');
  });
});
