import { describe, expect, it } from 'vitest';
import { vethBridgeDetached } from '../../../lib/checks/veth/veth-bridge-detached.ts';
import { aHostLink, aHostStack, aPodNetwork, context, failures } from '../evidence.ts';

describe('veth-bridge-detached', () => {
  const run = (network = aPodNetwork(), hostNetwork = aHostStack()) =>
    vethBridgeDetached.run({ podNetworks: [network], hostNetwork }, context);

  it('passes a forwarding port of the bridge that the plugin chose', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds a link that is off its bridge, and puts it back', () => {
    const [found] = failures(run(aPodNetwork({ hostLink: aHostLink({ master: null, portState: null }) })));
    expect(found?.detail).toBe('veth12345678 is on no bridge; it belongs on cni0.');
    expect(found?.remedy[0]?.command).toBe('ip link set veth12345678 master cni0 up');
  });

  it('finds a link on another bridge', () => {
    expect(failures(run(aPodNetwork({ hostLink: aHostLink({ master: 'docker0' }) })))[0]?.detail).toBe(
      'veth12345678 is on docker0; it belongs on cni0.',
    );
  });

  const withStp = (stp: boolean | null) =>
    aHostStack({ links: aHostStack().links.map((link) => (link.name === 'cni0' ? { ...link, stp } : link)) });
  const inState = (portState: string, stp: boolean | null) =>
    run(aPodNetwork({ hostLink: aHostLink({ portState }) }), withStp(stp));

  it.each([
    ['blocking', null, 'bridge link set dev veth12345678 state 3'],
    ['listening', false, 'bridge link set dev veth12345678 state 3'],
    ['blocking', true, 'ip link set cni0 type bridge stp_state 0'],
  ])(
    'finds a port in state %s where the spanning tree protocol is %s, and lets it forward',
    (state, stp, line) => {
      const [found] = failures(inState(state, stp));
      expect(found?.detail).toBe(`veth12345678 is a port of cni0, in state ${state}.`);
      expect(found?.remedy.map(({ command }) => command)).toEqual([line]);
    },
  );

  it('leaves a port alone that still learns, or may', () => {
    for (const stp of [true, null]) expect(inState('learning', stp)).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a bridge that is down or gone to the finding of the node', () => {
    const down = aHostStack().links.map((link) => (link.name === 'cni0' ? { ...link, up: false } : link));
    for (const outcomes of [
      run(aPodNetwork(), aHostStack({ links: down })),
      run(aPodNetwork({ hostLink: aHostLink({ master: null }) }), aHostStack({ links: [] })),
    ])
      expect(outcomes).toMatchObject([
        { reason: 'the bridge itself is down or gone: see node-bridge-broken' },
      ]);
  });

  it('leaves a link that is down to its own check, and routed plugins alone', () => {
    expect(run(aPodNetwork({ hostLink: aHostLink({ up: false, master: null }) }))[0]?.result).toBe(
      'notApplicable',
    );
    expect(run(aPodNetwork({ plugin: 'ptp', hostLink: aHostLink({ master: null }) }))[0]).toMatchObject({
      reason: 'ptp uses no bridge',
    });
    expect(run(aPodNetwork({ plugin: 'unheard-of' }))[0]).toMatchObject({
      reason: 'the layout of the CNI plugin unheard-of is not known',
    });
    expect(run(aPodNetwork({ link: null }))[0]?.result).toBe('notApplicable');
  });
});
