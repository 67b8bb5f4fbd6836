import { describe, expect, it } from 'vitest';
import { kernelUnregisterNetdevice } from '../../../lib/checks/kernel/kernel-unregister-netdevice.ts';
import type { KernelMessage, Sources } from '../../../lib/model/evidence.ts';
import { context, failures } from '../evidence.ts';
import { aKernel, line, waitingFor } from './evidence.ts';

const run = (kernelLog: KernelMessage[], kernel: Partial<Sources['kernel']> = {}) =>
  kernelUnregisterNetdevice.run({ kernelLog, kernel: aKernel(kernel) }, context);

describe('kernel-unregister-netdevice', () => {
  it.each(['lo', 'vlan.eth.3', 'azv1-2', 'eth0@x:y'])('finds that the kernel waits for %s', (device) => {
    const [found] = failures(run(waitingFor(device, [1, 1, 1])));
    expect(found?.detail).toBe(
      `The kernel waits for ${device} (usage count 1, said 3 times, last at 2026-11-20T01:59:56.000Z). This is reported for 10 minutes after the last message; it is over once the kernel, which repeats it every 10 seconds, has fallen silent.`,
    );
    expect(found?.confidence).toBe('probable');
  });

  it('is confirmed when a task stands there', () => {
    const stack = ['[<0>] netdev_run_todo+0x3a0/0x5b0', '[<0>] cleanup_net+0x2d5/0x3c0'];
    const blockedTasks = [{ pid: 77, command: 'kworker/u8:3+netns', stack }];
    expect(failures(run(waitingFor('lo', [1, 1, 1]), { blockedTasks }))[0]?.confidence).toBe('confirmed');
  });

  it.each([
    ['says it once or twice', waitingFor('lo', [2, 1])],
    ['said it an hour ago and stopped', waitingFor('lo', [1, 1, 1, 1], 3600)],
    ['counts down', waitingFor('lo', [3, 2, 1])],
    [
      'says it once of each of three devices',
      [...waitingFor('a', [1]), ...waitingFor('b', [1]), ...waitingFor('c', [1])],
    ],
    ['makes ordinary noise', [line(5, 'IPv6: ADDRCONF(NETDEV_CHANGE): veth1: link becomes ready')]],
  ])('passes when the kernel %s', (_, log) => {
    expect(run(log)[0]?.result).toBe('pass');
  });

  it('names all devices, and who leaked the reference where the kernel knows', () => {
    const leak = line(3, 'ref_tracker: eth0@00000000 has 1/1 users at leaked reference.');
    const [found] = failures(run([...waitingFor('lo', [1, 1, 1]), ...waitingFor('eth0', [2, 2, 2]), leak]));
    expect(found?.detail).toMatch(
      / lo \(usage count 1, said 3 times.*?\), eth0 \(usage count 2, said 3 times/,
    );
    expect(found?.evidence.at(-1)?.what).toBe('who leaked the reference');
  });

  it('cuts a name that no device can have: anybody may write to the log', () => {
    const [found] = failures(run(waitingFor(`${'x'.repeat(500)}\u001b[2J`, [1, 1, 1])));
    expect(found?.detail).toContain(`The kernel waits for ${'x'.repeat(14)}… (usage count 1, said 3 times`);
  });
});
