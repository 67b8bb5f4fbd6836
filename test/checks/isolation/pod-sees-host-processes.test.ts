import { describe, expect, it } from 'vitest';
import { podSeesHostProcesses } from '../../../lib/checks/isolation/pod-sees-host-processes.ts';
import { aPod, aSandbox, context, failures, HOST_PID_NAMESPACE } from '../evidence.ts';
import { twoPods, withContainer } from './parts.ts';

const run = (changes: Parameters<typeof twoPods>[0]) => podSeesHostProcesses.run(twoPods(changes), context);

describe('pod-sees-host-processes', () => {
  it('passes containers in PID namespaces of their own, or in one that the pod shares', () => {
    expect(run({})[0]?.result).toBe('pass');
    const shared = withContainer({ pidNamespace: 4026532500 });
    expect(run({ pod: aPod({ shareProcessNamespace: true }), sandbox: shared })[0]?.result).toBe('pass');
  });

  it('finds a container in the PID namespace of the node', () => {
    const found = failures(run({ sandbox: withContainer({ pidNamespace: HOST_PID_NAMESPACE }) }));
    expect(found[0]?.detail).toBe(
      `The pod has no hostPID, but container main (pid 1010) is in the node's own pid:[${HOST_PID_NAMESPACE}].`,
    );
  });

  it.each([
    ['hostPID', { pod: aPod({ hostPID: true }) }],
    [
      'a virtual machine, whose process on the node is the hypervisor',
      { sandbox: aSandbox({ runtimeHandler: 'kata' }) },
    ],
    [
      'a pod without processes',
      { sandbox: { ...withContainer({ pid: null, pidNamespace: null }), pidNamespace: null } },
    ],
  ])('does not judge %s', (_, changes) => {
    expect(run(changes)[0]?.result).toBe('notApplicable');
  });

  it('does not know where a process could not be read', () => {
    const sandbox = { ...withContainer({ pidNamespace: null }), pidNamespace: null };
    expect(run({ sandbox })[0]?.result).toBe('unknown');
  });
});
