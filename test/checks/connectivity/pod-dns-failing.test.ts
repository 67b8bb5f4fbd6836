import { describe, expect, it } from 'vitest';
import { podDnsFailing } from '../../../lib/checks/connectivity/pod-dns-failing.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import { aFile, aPodWith } from '../dns/files.ts';
import { aHostLink, aHostStack, aPod, aPodNetwork, aStack, context, failures } from '../evidence.ts';
import { aGatewayPing, aLookup, aProbe } from './probes.ts';

const TIMEOUT = aLookup({ answered: false, error: 'timeout' });

function run(active: Sources['active'], podNetworks: PodNetwork[] = [aPodNetwork()]) {
  return podDnsFailing.run({ podNetworks, hostNetwork: aHostStack(), active }, context);
}

/** Ten pods, of which the given number gets no answer. */
function node(silent: number, broken = 0) {
  const pods = Array.from({ length: 10 }, (_, index) =>
    aPodNetwork({
      namespace: index,
      pod: aPod({ name: `web-${index}` }),
      hostLink: aHostLink({ up: index >= broken }),
    }),
  );
  const active = pods.map((_, index) =>
    aProbe({ inode: index, lookups: [index < silent ? TIMEOUT : aLookup()] }),
  );
  return run(active, pods);
}

describe('pod-dns-failing', () => {
  it('runs only when asked for, and passes a pod that gets an answer, even that there is no such name', () => {
    expect(podDnsFailing.active).toBe('dns');
    expect(run([aProbe({ lookups: [aLookup()] })])).toMatchObject([{ result: 'pass' }]);
    expect(run([aProbe({ lookups: [aLookup({ error: 'NXDOMAIN' })] })])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds that many pods of a node get no answer', () => {
    const found = failures(node(3));
    expect(found).toHaveLength(3);
    expect(found[0]?.detail).toContain('timeout. The same holds for 3 of the 10 pods asked on this node.');
    expect(found[0]?.confidence).toBe('confirmed');
    expect(found[0]?.remedy.at(-1)?.command).toBe('kubectl get networkpolicies -n shop');
  });

  it('is inconclusive for one pod among many: its network policy may forbid it', () => {
    expect(failures(node(2))).toEqual([]);
    expect(node(1)[0]).toMatchObject({
      result: 'notApplicable',
      reason: expect.stringContaining('network policy'),
    });
  });

  it('counts no pods whose silence another finding explains', () => {
    expect(failures(node(4, 3))).toEqual([]);
    expect(failures(node(6, 3))[0]?.detail).toContain('3 of the 7 pods asked on this node');
  });

  it('leaves a pod that refuses itself what it sends to the finding about its routes', () => {
    const drops = { family: 4, priority: 10, source: 'all', destination: null, inputLink: null } as const;
    const rest = { outputLink: null, detached: false, fwmark: null, table: null, protocol: null };
    const stack = aStack({ rules: [{ ...drops, ...rest, drops: 'prohibit' }] });
    const denied = aLookup({ answered: false, error: '#53: permission denied' });
    expect(run([aProbe({ lookups: [denied] })], [aPodNetwork({ stack })])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('pod-route-blackhole') },
    ]);
    expect(failures(run([aProbe({ lookups: [denied] })]))).toHaveLength(1);
  });

  it('finds a single pod whose server refuses, which no policy does', () => {
    const [found] = failures(
      run([aProbe({ lookups: [aLookup({ answered: false, error: 'connection refused' })] })]),
    );
    expect(found?.detail).toContain('connection refused');
    expect(failures(run([aProbe({ lookups: [aLookup({ error: 'SERVFAIL' })] })]))).toHaveLength(1);
  });

  it('finds the only pod that was asked about', () => {
    expect(failures(run([aProbe({ lookups: [TIMEOUT] })]))).toHaveLength(1);
  });

  it.each([
    ['the pod chose its own servers', aPodNetwork({ pod: aPod({ dnsPolicy: 'None' }) }), 'None'],
    ['its pair is down', aPodNetwork({ hostLink: aHostLink({ up: false }) }), 'veth-host-side-down'],
    ['it has no nameserver', aPodWith(aFile()), 'resolv-conf-missing'],
  ])('is not applicable when %s', (_name, network, reason) => {
    expect(run([aProbe({ lookups: [TIMEOUT] })], [network])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining(reason) },
    ]);
  });

  it('leaves a loopback server and a dead gateway to the findings about them', () => {
    const loop = aLookup({ server: '127.0.0.53', answered: false, error: 'timeout' });
    expect(run([aProbe({ lookups: [loop] })])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('resolv-conf-unexpected') },
    ]);
    const dead = aGatewayPing({ answered: false, neighbour: 'FAILED' });
    expect(run([aProbe({ pings: [dead], lookups: [TIMEOUT] })])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when nothing was asked', () => {
    expect(run([])).toMatchObject([{ result: 'unknown' }]);
  });
});
