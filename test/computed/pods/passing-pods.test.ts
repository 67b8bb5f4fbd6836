import { describe, expect, it } from 'vitest';
import { ofPassingPod } from '../../../lib/computed/pods/passing-pods.ts';
import { aPod, aSandbox, context } from '../../checks/evidence.ts';

const seconds = (ago: number) => new Date(context.now - ago * 1000).toISOString();
const ask = (age: number, pod: Parameters<typeof aPod>[0], sandboxes = [aSandbox({ uid: 'of-another' })]) =>
  ofPassingPod(age, { pods: [aPod(pod)], sandboxes }, context.now);

describe('a namespace or address without a sandbox', () => {
  it('may be of a pod that is being created, while it is young itself', () => {
    expect(ask(20, { phase: 'Pending' })).toMatch(/being created/);
    expect(ask(20, { unsettled: 'it did not exist yet when the pods were first listed' })).toMatch(/created/);
    expect(ask(600, { phase: 'Pending' })).toBeNull();
  });

  it('may be of one that is being created for as long as a kubelet waits for a sandbox: four minutes', () => {
    expect(ask(239, { phase: 'Pending' })).toMatch(/being created/);
  });

  it('may be of a pod that is just being deleted, however old it is', () => {
    expect(ask(86_400, { deletionTimestamp: seconds(5) })).toMatch(/being deleted/);
    expect(ask(86_400, { deletionTimestamp: seconds(-30) })).toMatch(/being deleted/);
    // A pod that has been stuck in deletion for long excuses nothing.
    expect(ask(86_400, { deletionTimestamp: seconds(3600) })).toBeNull();
  });

  it('is of no pod that was made later than it', () => {
    const pod = { createdAt: seconds(60), deletionTimestamp: seconds(5) };
    expect(ask(300, pod)).toMatch(/being deleted/);
    expect(ask(86_400, pod)).toBeNull();
  });

  it('is of no pod that has its sandbox, or is in the network of the node', () => {
    const pod = aPod();
    expect(ask(20, { phase: 'Pending' }, [aSandbox({ uid: pod.uid })])).toBeNull();
    expect(ask(20, { phase: 'Pending', hostNetwork: true })).toBeNull();
  });
});
