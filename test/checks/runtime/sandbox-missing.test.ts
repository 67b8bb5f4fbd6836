import { describe, expect, it } from 'vitest';
import { sandboxMissing } from '../../../lib/checks/runtime/sandbox-missing.ts';
import type { ObservedPod, Sandbox, Sources } from '../../../lib/model/evidence.ts';
import { aNode, aPod, aSandbox, context, failures } from '../evidence.ts';

const other = aSandbox({ id: 'b'.repeat(64), name: 'other', uid: 'other' });

function run(pod: Partial<ObservedPod>, sandboxes: Sandbox[] = [other], sources: Partial<Sources> = {}) {
  return sandboxMissing.run(
    { pods: [aPod(pod)], sandboxes, node: aNode(), processes: [], ...sources },
    context,
  );
}

describe('sandbox-missing', () => {
  it('passes a running pod with its sandbox, and a static pod by its name', () => {
    expect(run({}, [aSandbox()])[0]?.result).toBe('pass');
    expect(run({ controller: 'Node' }, [aSandbox({ uid: '0'.repeat(32) })])[0]?.result).toBe('pass');
  });

  it('finds a pod that the API shows running and the runtime does not have', () => {
    const [found] = failures(run({}));
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.remedy[0]?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('names the stopped sandbox that is left', () => {
    expect(failures(run({}, [aSandbox({ state: 'stopped' })]))[0]?.detail).toContain(
      'only stopped: aaaaaaaaaaaaa',
    );
  });

  it('says nothing of pods without a running container', () => {
    const [container] = aPod().containers;
    const crashed = container === undefined ? [] : [{ ...container, running: false }];
    expect([
      ...run({ phase: 'Succeeded' }),
      ...run({ phase: 'Pending' }),
      ...run({ containers: crashed }),
    ]).toEqual([]);
  });

  it('does not judge what is not settled, nor a node whose kubelet is silent', () => {
    expect(run({ unsettled: 'younger than 5 minutes' })[0]?.result).toBe('notApplicable');
    const silent = { node: aNode({ kubeletReports: false }) };
    expect(run({}, [other], silent)[0]?.result).toBe('notApplicable');
  });

  it('does not know when its processes are there after all, or no sandbox could be read', () => {
    const alive = {
      pid: 9,
      command: 'nginx',
      networkNamespace: 1,
      pidNamespace: 1,
      containerId: 'c'.repeat(64),
    };
    expect(run({}, [other], { processes: [alive] })[0]?.result).toBe('unknown');
    expect(run({}, [])[0]?.result).toBe('unknown');
  });
});
