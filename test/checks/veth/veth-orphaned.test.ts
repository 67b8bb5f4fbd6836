import { describe, expect, it } from 'vitest';
import { vethOrphaned } from '../../../lib/checks/veth/veth-orphaned.ts';
import {
  aHost,
  aHostLink,
  aHostStack,
  aPodNetwork,
  aRoute,
  context,
  failures,
  HOST_NAMESPACE,
  POD_NAMESPACE,
} from '../evidence.ts';

describe('veth-orphaned', () => {
  const run = (links = aHostStack().links, changes = {}) =>
    vethOrphaned.run(
      { hostNetwork: aHostStack({ links, ...changes }), host: aHost(), podNetworks: [aPodNetwork()] },
      context,
    );
  const leftover = aHostLink({
    index: 20,
    name: 'veth0badcafe',
    master: null,
    peer: { status: 'matched', namespace: HOST_NAMESPACE, index: 21, name: 'tmp0' },
  });

  it('passes the links of pods', () => {
    expect(run().map((outcome) => outcome.result)).toEqual(['pass']);
  });

  it('finds a pair with both ends on the node, with the routes that it still takes', () => {
    const routes = [
      aRoute({ destination: '10.244.1.9/32', gateway: null, link: 'veth0badcafe', scope: 'link' }),
    ];
    const [found] = failures(run([leftover], { routes }));
    expect(found?.object).toEqual({ kind: 'link', name: 'veth0badcafe', node: 'node-1' });
    expect(found?.detail).toContain(
      'its other end is tmp0, on the node too. It still has routes to 10.244.1.9/32.',
    );
    expect(found?.remedy.at(-1)?.command).toBe('ip link del veth0badcafe');
    expect(found?.repair).toEqual({ kind: 'delete-veths', name: 'veth0badcafe', index: 20 });
  });

  it('finds a link whose other end is gone', () => {
    expect(
      failures(run([{ ...leftover, peer: { status: 'missing', namespace: POD_NAMESPACE, index: 2 } }])),
    ).toHaveLength(1);
  });

  it("leaves people's own pairs and Cilium's alone", () => {
    expect(
      run([
        { ...leftover, name: 'cilium_host' },
        { ...leftover, name: 'lxc_health' },
        { ...leftover, name: 'my-pair' },
      ]),
    ).toEqual([]);
  });

  it('leaves a pair into a namespace that nobody uses to the checks of that namespace', () => {
    expect(
      run([{ ...leftover, peer: { status: 'matched', namespace: 4026532999, index: 2, name: 'eth0' } }])[0]
        ?.result,
    ).toBe('pass');
    expect(
      run([{ ...leftover, peer: { status: 'unknown', reason: 'hidden', namespaceId: 9 } }])[0]?.result,
    ).toBe('pass');
  });
});
