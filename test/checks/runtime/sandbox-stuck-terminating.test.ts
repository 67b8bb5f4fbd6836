import { describe, expect, it } from 'vitest';
import { sandboxStuckTerminating } from '../../../lib/checks/runtime/sandbox-stuck-terminating.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { anEvent, aPin, aPod, aSandbox, context, failures } from '../evidence.ts';

const deleted = (deletionTimestamp: string | null) => [
  aPod({ deletionTimestamp, unsettled: 'is being deleted' }),
];

function run(sources: Partial<Sources> = {}) {
  return sandboxStuckTerminating.run(
    {
      pods: deleted('2026-11-20T01:30:00Z'),
      sandboxes: [aSandbox()],
      pins: [aPin()],
      events: [],
      ...sources,
    },
    context,
  );
}

describe('sandbox-stuck-terminating', () => {
  it('passes a pod that is not being deleted', () => {
    expect(run({ pods: deleted(null) })[0]?.result).toBe('pass');
  });

  it('finds a pod whose sandbox outlived its grace period, and forces it only at last', () => {
    const [found] = failures(run());
    expect(found?.detail).toContain('(30 minutes), but sandbox aaaaaaaaaaaaa is still ready');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1 --grace-period=0 --force');
    expect(found?.remedy.at(-1)?.text).toContain('Only once the sandbox is stopped');
  });

  it('finds a stopped one whose namespace is still pinned, and names the plugin that fails', () => {
    const message = 'failed to destroy network for sandbox "a": plugin type="multus-shim" failed (delete)';
    const events = [anEvent({ reason: 'FailedKillPod', message })];
    const [found] = failures(run({ sandboxes: [aSandbox({ state: 'stopped' })], events }));
    expect(found?.detail).toContain('CNI plugin multus-shim fails to release it');
    expect(found?.evidence.at(-1)?.actual).toBe(message);
  });

  it('does not judge within the grace period, nor a pod that only a finalizer holds', () => {
    expect(run({ pods: deleted('2026-11-20T01:58:00Z') })[0]?.result).toBe('notApplicable');
    expect(run({ sandboxes: [] })[0]?.result).toBe('notApplicable');
    expect(run({ sandboxes: [aSandbox({ state: 'stopped' })], pins: [] })[0]?.result).toBe('notApplicable');
  });

  it('leaves a kubelet some seconds to take the pod apart, even where everything is judged at once', () => {
    const pods = deleted(new Date(context.now - 20_000).toISOString());
    const atOnce = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    const sources = { pods, sandboxes: [aSandbox()], pins: [aPin()], events: [] };
    expect(sandboxStuckTerminating.run(sources, atOnce)[0]?.result).toBe('notApplicable');
    const later = { ...atOnce, now: context.now + 60_000 };
    expect(failures(sandboxStuckTerminating.run(sources, later))).toHaveLength(1);
  });
});
