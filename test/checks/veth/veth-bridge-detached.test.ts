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

  it('recreates the pod where the bridge is gone', () => {
    const [found] = failures(
      run(aPodNetwork({ hostLink: aHostLink({ master: null }) }), aHostStack({ links: [] })),
    );
    expect(found?.detail).toContain('which does not exist');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a port that forwards nothing, but not one that is still learning', () => {
    expect(failures(run(aPodNetwork({ hostLink: aHostLink({ portState: 'blocking' }) })))[0]?.detail).toBe(
      'veth12345678 is a port of cni0, in state blocking.',
    );
    expect(run(aPodNetwork({ hostLink: aHostLink({ portState: 'learning' }) }))[0]?.result).toBe('pass');
  });

  it('finds a bridge that is down', () => {
    const hostNetwork = aHostStack({
      links: aHostStack().links.map((link) =>
        link.name === 'cni0' ? { ...link, up: false, operState: 'DOWN' } : link,
      ),
    });
    expect(failures(run(aPodNetwork(), hostNetwork))[0]?.remedy[0]?.command).toBe('ip link set cni0 up');
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
