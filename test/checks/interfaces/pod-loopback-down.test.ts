import { describe, expect, it } from 'vitest';
import { podLoopbackDown } from '../../../lib/checks/interfaces/pod-loopback-down.ts';
import {
  aLink,
  aLoopback,
  anAddress,
  aPodNetwork,
  aSandbox,
  aStack,
  context,
  failures,
} from '../evidence.ts';

describe('pod-loopback-down', () => {
  const run = (network = aPodNetwork()) => podLoopbackDown.run({ podNetworks: [network] }, context);
  const stackWith = (loopback: Parameters<typeof aLoopback>[0], addresses = aStack().addresses) =>
    aStack({ links: [aLoopback(loopback), aLink()], addresses });

  it('passes a loopback that is up with 127.0.0.1', () => {
    expect(run()[0]?.result).toBe('pass');
  });

  it('finds a loopback that is down, and repairs it without the pod noticing', () => {
    const [found] = failures(run(aPodNetwork({ stack: stackWith({ up: false }) })));
    expect(found?.detail).toContain('it is down');
    expect(found?.remedy[0]?.command).toBe('nsenter --net=/run/netns/cni-1 ip link set lo up');
  });

  it('finds a loopback that lost its address', () => {
    const [found] = failures(run(aPodNetwork({ stack: stackWith({}, [anAddress()]) })));
    expect(found?.detail).toContain('no address in 127.0.0.0/8');
    expect(found?.remedy[0]?.command).toBe('nsenter --net=/run/netns/cni-1 ip addr add 127.0.0.1/8 dev lo');
  });

  it('looks for that address on the loopback alone, among others that it has', () => {
    const addresses = [anAddress({ link: 'eth0', address: '127.0.0.1', prefixLength: 8 })];
    expect(failures(run(aPodNetwork({ stack: stackWith({}, addresses) })))).toHaveLength(1);
    addresses.push(anAddress({ link: 'lo', address: '10.96.0.10', prefixLength: 32 }));
    expect(failures(run(aPodNetwork({ stack: stackWith({}, addresses) })))).toHaveLength(1);
    addresses.push(anAddress({ link: 'lo', address: '127.0.0.1', prefixLength: 8 }));
    expect(run(aPodNetwork({ stack: stackWith({}, addresses) }))[0]?.result).toBe('pass');
  });

  it('finds a namespace without any loopback', () => {
    expect(failures(run(aPodNetwork({ stack: aStack({ links: [aLink()] }) })))[0]?.detail).toContain(
      'there is none',
    );
  });

  it('recreates the pod where its namespace has no path', () => {
    const [found] = failures(
      run(aPodNetwork({ sandbox: aSandbox({ namespacePath: null }), stack: stackWith({ up: false }) })),
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('does not know without the namespace, and leaves gVisor alone', () => {
    expect(run(aPodNetwork({ stack: null }))[0]?.result).toBe('unknown');
    expect(
      run(aPodNetwork({ sandbox: aSandbox({ runtimeHandler: 'runsc' }), stack: stackWith({ up: false }) }))[0]
        ?.result,
    ).toBe('notApplicable');
  });
});
