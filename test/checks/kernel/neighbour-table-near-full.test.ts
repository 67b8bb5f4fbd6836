import { describe, expect, it } from 'vitest';
import { neighbourTableNearFull } from '../../../lib/checks/kernel/neighbour-table-near-full.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { aHostStack, aNamespace, aStack, context, failures } from '../evidence.ts';
import { aKernel, line } from './evidence.ts';

type Need = Parameters<typeof neighbourTableNearFull.run>[0];
const run = (changes: Partial<Sources> = {}) => {
  const sources: Need = {
    kernel: aKernel(),
    kernelLog: [],
    hostNetwork: aHostStack(),
    namespaces: [aNamespace()],
    ...changes,
  };
  return neighbourTableNearFull.run(sources, context);
};
const overflow = [line(3600, 'neighbour: arp_cache: neighbor table overflow!')];

describe('neighbour-table-near-full', () => {
  it('passes both tables while they have room', () => {
    expect(run().map(({ result, object }) => [result, object.path])).toEqual([
      ['pass', 'arp_cache'],
      ['pass', 'ndisc_cache'],
    ]);
  });

  it('finds a table that is nine tenths full, each for itself', () => {
    const [found] = failures(run({ kernel: aKernel({ neighbours: { ipv4: 930, ipv6: 10 } }) }));
    expect(found?.detail).toBe('930 of 1024 entries in arp_cache.');
    expect(found?.remedy.at(-3)?.command).toBe(
      'sysctl -w net.ipv4.neigh.default.gc_thresh1=512 net.ipv4.neigh.default.gc_thresh2=2048 net.ipv4.neigh.default.gc_thresh3=4096',
    );
    expect(failures(run({ kernel: aKernel({ neighbours: { ipv4: 10, ipv6: 930 } }) }))[0]?.object.path).toBe(
      'ndisc_cache',
    );
  });

  it('finds one that was full within the day, and is confirmed when it still is', () => {
    const [found] = failures(run({ kernelLog: overflow }));
    expect(found?.confidence).toBe('probable');
    const full = aKernel({ neighbours: { ipv4: 1024, ipv6: 0 } });
    expect(failures(run({ kernelLog: overflow, kernel: full }))[0]?.confidence).toBe('confirmed');
    expect(failures(run({ kernelLog: [line(90_000, overflow[0]?.text ?? '')] }))).toEqual([]);
  });

  it('does not count entries that a plugin wrote for good, as flannel does for each node', () => {
    const neighbours = Array.from({ length: 950 }, (_, index) => ({
      destination: `10.244.${index >> 8}.${index & 255}`,
      link: 'flannel.1',
      mac: '0a:00:00:00:00:01',
      states: ['PERMANENT'],
    }));
    const kernel = aKernel({ neighbours: { ipv4: 960, ipv6: 0 } });
    expect(run({ kernel, hostNetwork: aHostStack({ neighbours }) })[0]?.result).toBe('pass');
    const pod = aNamespace({ stack: { status: 'present', value: aStack({ neighbours }) } });
    expect(run({ kernel, namespaces: [pod] })[0]?.result).toBe('pass');
  });

  it('does not know when the entries, or all sysctls, could not be read', () => {
    expect(run({ kernel: aKernel({ neighbours: { ipv4: null, ipv6: 1 } }) })[0]?.result).toBe('unknown');
    expect(run({ kernel: aKernel({ sysctls: {} }) }).map(({ result }) => result)).toEqual([
      'unknown',
      'unknown',
    ]);
  });

  it('does not judge where the limit is not to be seen: a node in a network namespace (kind), or IPv6 off', () => {
    const sysctls = { 'net.ipv4.neigh.default.gc_thresh3': '1024', 'net.ipv4.ip_forward': '1' };
    expect(run({ kernel: aKernel({ sysctls }) }).map(({ result }) => result)).toEqual([
      'pass',
      'notApplicable',
    ]);
  });
});
