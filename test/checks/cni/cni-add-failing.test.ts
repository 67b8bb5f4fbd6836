import { describe, expect, it } from 'vitest';
import { cniAddFailing } from '../../../lib/checks/cni/cni-add-failing.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { context, failures } from '../evidence.ts';

const run = (changes: Partial<Sources['canary']> = {}) =>
  cniAddFailing.run(
    {
      canary: {
        pod: 'netns-audit/canary-1',
        started: true,
        error: null,
        podIPs: ['10.244.1.7'],
        leftovers: [],
        ...changes,
      },
    },
    context,
  );

describe('cni-add-failing', () => {
  it('runs only when asked for', () => {
    expect(cniAddFailing.active).toBe('cni');
  });

  it('passes a canary that got an address and left nothing behind', () => {
    expect(run()[0]).toEqual({ result: 'pass', object: { kind: 'node', name: 'node-1' } });
  });

  it('finds a canary that got no network, and says why', () => {
    const error =
      'failed to setup network for sandbox "abc": plugin type="aws-cni" failed (add): add cmd: failed to assign an IP address to container';
    const [found] = failures(run({ started: false, error, podIPs: [] }));
    expect(found?.detail).toContain('got no network, because ipamd of the AWS VPC CNI has no free address');
    expect(found?.severity).toBeUndefined();
  });

  it('finds a canary that never got beyond ContainerCreating, though its image is there', () => {
    const error = 'the probe pod did not start in time: ContainerCreating';
    const [found] = failures(run({ started: false, error, podIPs: [] }));
    expect(found).toMatchObject({ confidence: 'probable' });
    expect(found?.detail).toContain('got no sandbox in time');
  });

  it('believes the event of the sandbox, though words in it are also those of a refused pod', () => {
    const error =
      'the probe pod did not start in time: ContainerCreating: Failed to create pod sandbox: rpc error: plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized';
    expect(failures(run({ started: false, error, podIPs: [] }))).toHaveLength(1);
  });

  it('finds a canary that runs without an address', () => {
    expect(failures(run({ podIPs: [] }))[0]?.detail).toContain('started without an address');
  });

  it('does not say that nothing stayed on a node that could not be asked', () => {
    expect(run({ leftovers: null })[0]?.result).toBe('unknown');
  });

  it('finds what stayed on the node, which is medium as pods start', () => {
    const [found] = failures(run({ leftovers: ['veth1a2b3c4d', '/run/netns/cni-1'] }));
    expect(found?.detail).toContain('2 things of the canary pod netns-audit/canary-1 stayed on the node');
    expect(found?.severity).toBe('medium');
  });

  it.each([
    'Back-off pulling image: ImagePullBackOff',
    'OutOfpods',
    'pods is forbidden: violates PodSecurity',
    null,
  ])('does not know when the canary did not get that far: %s', (error) => {
    expect(run({ started: false, error, podIPs: [] })[0]?.result).toBe('unknown');
  });
});
