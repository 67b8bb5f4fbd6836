import { describe, expect, it } from 'vitest';
import { sandboxProcessDead } from '../../../lib/checks/runtime/sandbox-process-dead.ts';
import type { Sandbox } from '../../../lib/model/evidence.ts';
import { aPod, aSandbox, context, failures } from '../evidence.ts';

const run = (changes: Partial<Sandbox>, pods = [aPod()]) =>
  sandboxProcessDead.run({ sandboxes: [aSandbox(changes)], pods }, context);

describe('sandbox-process-dead', () => {
  it('passes a sandbox whose process lives', () => {
    expect(run({})[0]?.result).toBe('pass');
  });

  it('finds a ready sandbox whose pause process is gone', () => {
    const [found] = failures(run({ process: 'dead', networkNamespace: null }));
    expect(found?.detail).toContain(
      '(pid 1000) is gone, while the runtime has it as ready and main still runs',
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a pid that another program has now', () => {
    expect(failures(run({ process: 'foreign' }))[0]?.detail).toContain('now belongs to another cgroup');
  });

  it.each<[string, Partial<Sandbox>]>([
    ['CRI-O, which keeps no process', { process: 'none', pid: null }],
    ['a sandbox that changed meanwhile', { process: 'dead', stable: false }],
    ['a virtual machine outside the cgroup', { process: 'foreign', runtimeHandler: 'kata-qemu' }],
  ])('does not judge %s', (_, changes) => {
    expect(run(changes)[0]?.result).toBe('notApplicable');
  });

  it('does not judge a pod that is being deleted', () => {
    const deleted = [aPod({ deletionTimestamp: '2026-11-20T01:59:00Z' })];
    expect(run({ process: 'dead' }, deleted)[0]?.result).toBe('notApplicable');
  });

  it('leaves the sandbox of a pod that is gone to sandbox-ghost', () => {
    expect(run({ process: 'dead' }, [])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('sandbox-ghost') },
    ]);
  });

  it('says nothing of stopped sandboxes', () => {
    expect(run({ state: 'stopped', process: 'dead' })).toEqual([]);
  });
});
