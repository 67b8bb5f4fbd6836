import { describe, expect, it } from 'vitest';
import { sandboxDuplicated } from '../../../lib/checks/runtime/sandbox-duplicated.ts';
import type { Sandbox } from '../../../lib/model/evidence.ts';
import { aSandbox, context, failures } from '../evidence.ts';

const second = (changes: Partial<Sandbox> = {}) =>
  aSandbox({ id: 'b'.repeat(64), attempt: 1, createdAt: '2026-11-20T01:00:00Z', ...changes });

const run = (changes: Partial<Sandbox> = {}) =>
  sandboxDuplicated.run({ sandboxes: [second(changes), aSandbox()] }, context);

describe('sandbox-duplicated', () => {
  it('passes one ready sandbox, whatever is stopped beside it', () => {
    expect(run({ state: 'stopped' })).toMatchObject([{ result: 'pass' }]);
  });

  it('finds two ready sandboxes of one pod, and stops the earlier attempt only', () => {
    const [found] = failures(run());
    expect(found).toMatchObject({ confidence: 'confirmed', object: { name: 'web-1' } });
    const commands = found?.remedy.flatMap(({ command }) => command ?? []);
    expect(commands).toEqual([`crictl stopp ${'a'.repeat(64)}`]);
  });

  it('is probable when only one of them lives', () => {
    expect(failures(run({ process: 'dead' }))[0]?.confidence).toBe('probable');
  });

  it('keeps two pods of one name apart by uid', () => {
    expect(failures(run({ uid: 'another' }))).toEqual([]);
  });

  it('does not judge a pod that is being made again', () => {
    expect(run({ createdAt: '2026-11-20T01:58:00Z' })[0]?.result).toBe('notApplicable');
    expect(run({ stable: false })[0]?.result).toBe('notApplicable');
  });
});
