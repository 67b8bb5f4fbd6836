import { describe, expect, it } from 'vitest';
import { podTtlTooSmall } from '../../../lib/checks/routes/pod-ttl-too-small.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { anAddress, aPodNetwork, aSandbox, aStack, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

const withTtl = (ttl: number | undefined, network: PodNetwork = aPodNetwork()): PodNetwork => ({
  ...network,
  stack: { ...(network.stack ?? aStack()), ...(ttl === undefined ? {} : { ttl }) },
});
const run = (network: PodNetwork) => podTtlTooSmall.run({ podNetworks: [network] }, context);

describe('pod-ttl-too-small', () => {
  it.each([undefined, 255, 64, 32, 3])('passes a pod with %s', (ttl) => {
    expect(run(withTtl(ttl))).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    [1, 'first'],
    [2, 'second'],
  ])('finds one with %i, and sets it in place', (ttl, router) => {
    const [found] = failures(run(withTtl(ttl)));
    expect(found?.detail).toBe(
      `net.ipv4.ip_default_ttl of the pod is ${ttl}: the ${router} router drops what it sends.`,
    );
    expect(found?.remedy.at(-1)?.command).toMatch(
      /^nsenter --net=\/\S+ sysctl -w net\.ipv4\.ip_default_ttl=64$/,
    );
  });

  it('does not know how many BPF takes off', () => {
    expect(run(withTtl(2, aCiliumPod().network))).toMatchObject([{ result: 'pass' }]);
    expect(failures(run(withTtl(1, aCiliumPod().network)))).toHaveLength(1);
  });

  it('does not judge a pod without an IPv4 address', () => {
    const six = anAddress({ family: 6, address: 'fd00::7', prefixLength: 64 });
    const network = aPodNetwork({ stack: aStack({ addresses: [six], ttl: 1 }) });
    expect(run(network)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('recreates the pod where nothing leads to its namespace', () => {
    const [found] = failures(run(withTtl(1, aPodNetwork({ sandbox: aSandbox({ namespacePath: null }) }))));
    expect(found?.remedy.at(-1)?.command).toContain('kubectl delete pod');
  });
});
