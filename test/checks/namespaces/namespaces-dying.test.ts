import { describe, expect, it } from 'vitest';
import { namespacesDying } from '../../../lib/checks/namespaces/namespaces-dying.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { aKernel, aNamespace, context, failures } from '../evidence.ts';

const stack = ['msleep', 'netdev_run_todo', 'default_device_exit_batch', 'cleanup_net', 'process_one_work'];
const worker = { pid: 31, command: 'kworker/u8:1+netns', stack };

function run(kernel: Partial<Sources['kernel']>, log: string[] = [], at = '2026-11-20T01:59:00Z') {
  const kernelLog = log.map((text) => ({ seconds: 1, at, text }));
  return namespacesDying.run(
    { kernel: aKernel(kernel), kernelLog, namespaces: [aNamespace()], hiddenNamespaces: [] },
    context,
  );
}

describe('namespaces-dying', () => {
  it('passes a kernel whose worker does not wait', () => {
    expect(run({})[0]?.result).toBe('pass');
  });

  it('suspects a worker that sleeps while it frees namespaces', () => {
    const [found] = failures(run({ blockedTasks: [worker], namespaceObjects: 5 }));
    expect(found).toMatchObject({ confidence: 'suspected', severity: 'high' });
    expect(found?.detail).toContain('kworker/u8:1+netns (pid 31)');
  });

  it('is confirmed when namespaces that nobody sees pile up', () => {
    const [found] = failures(run({ blockedTasks: [worker], namespaceObjects: 90 }));
    expect(found?.confidence).toBe('confirmed');
    expect(found?.severity ?? namespacesDying.severity).toBe('critical');
  });

  it('does not go by the count of kernel objects alone', () => {
    expect(run({ namespaceObjects: 900 })[0]?.result).toBe('pass');
  });

  it('knows the grace period that every teardown waits for', () => {
    const waiting = { ...worker, stack: ['__wait_rcu_gp', 'synchronize_rcu', 'cleanup_net'] };
    expect(run({ blockedTasks: [waiting] })[0]?.result).toBe('pass');
  });

  it('leaves it to the kernel log’s check when that says what it waits for now', () => {
    const text = 'unregister_netdevice: waiting for eth0 to become free. Usage count = 2';
    const [outcome] = run({ blockedTasks: [worker] }, [text, text, text]);
    expect(outcome).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('kernel-unregister-netdevice'),
    });
    expect(failures(run({ blockedTasks: [worker] }, [text]))).toHaveLength(1);
  });

  it('leaves a worker that the kernel itself reported as hung to kernel-netns-hung', () => {
    const log = ['task kworker/u8:1:31 blocked for more than 122 seconds.', ' cleanup_net+0x1e1/0x400'];
    expect(run({ blockedTasks: [worker] }, log)[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('kernel-netns-hung'),
    });
  });
});
