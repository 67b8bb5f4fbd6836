import { describe, expect, it } from 'vitest';
import { kernelNetnsHung } from '../../../lib/checks/kernel/kernel-netns-hung.ts';
import type { KernelMessage, Sources } from '../../../lib/model/evidence.ts';
import { context, failures } from '../evidence.ts';
import { aKernel, line, waitingFor } from './evidence.ts';

const run = (kernelLog: KernelMessage[], blockedTasks: Sources['kernel']['blockedTasks'] = []) =>
  kernelNetnsHung.run({ kernelLog, kernel: aKernel({ blockedTasks }) }, context);
const hung = (secondsAgo: number, frame = 'copy_net_ns+0x1a2/0x240', pid = 4711) => [
  line(secondsAgo, `INFO: task runc:[1:CHILD]:${pid} blocked for more than 122 seconds.`),
  line(secondsAgo, 'Call Trace:'),
  line(secondsAgo, ` ${frame}`),
];

describe('kernel-netns-hung', () => {
  it.each(['copy_net_ns+0x1a2/0x240', 'cleanup_net+0x2d5/0x3c0'])(
    'finds a task that hangs in %s',
    (frame) => {
      const [found] = failures(run(hung(60, frame)));
      expect(found?.detail).toContain('1 task reported as hung in network namespace code');
      expect(found?.confidence).toBe('probable');
    },
  );

  it('is confirmed, also hours later, when the task is still blocked', () => {
    const [found] = failures(run(hung(7200), [{ pid: 4711, command: 'runc', stack: [] }]));
    expect(found?.confidence).toBe('confirmed');
    expect(found?.detail).toContain('1 blocked now: runc (4711)');
  });

  it('passes when it was hours ago and nothing is blocked now', () => {
    expect(run(hung(7200))[0]?.result).toBe('pass');
  });

  it('passes a task that hangs elsewhere, even when another one follows', () => {
    const disk = hung(60, 'io_schedule+0x46/0x70', 12);
    expect(run(disk)[0]?.result).toBe('pass');
    expect(failures(run([...disk, ...hung(60)]))[0]?.detail).toMatch(/^1 task/);
  });

  it('passes a worker that is taking a namespace down at this moment', () => {
    const worker = { pid: 77, command: 'kworker/u8:3+netns', stack: ['[<0>] cleanup_net+0x2d5/0x3c0'] };
    expect(run([], [worker])[0]?.result).toBe('pass');
  });

  it('leaves it to kernel-unregister-netdevice when that is the cause', () => {
    expect(run([...hung(60), ...waitingFor('lo', [1, 1, 1])])[0]?.result).toBe('notApplicable');
  });
});
