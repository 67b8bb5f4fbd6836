import { describe, expect, it } from 'vitest';
import { conntrackNearFull } from '../../../lib/checks/kernel/conntrack-near-full.ts';
import type { KernelMessage, Sources } from '../../../lib/model/evidence.ts';
import { aPodNetwork, aStack, context, failures } from '../evidence.ts';
import { aKernel, line } from './evidence.ts';

const run = (
  kernel: Partial<Sources['kernel']> = {},
  kernelLog: KernelMessage[] = [],
  podEntries: number | null = 5,
) =>
  conntrackNearFull.run(
    {
      kernel: aKernel(kernel),
      kernelLog,
      podNetworks: [aPodNetwork({ stack: aStack({ conntrackEntries: podEntries }) })],
    },
    context,
  );
const full = [line(3600, 'nf_conntrack: nf_conntrack: table full, dropping packet')];

describe('conntrack-near-full', () => {
  it('passes node and pods while their tables have room', () => {
    expect(run().map(({ result, object }) => [result, object.kind])).toEqual([
      ['pass', 'node'],
      ['pass', 'pod'],
    ]);
  });

  it("finds the node's table nine tenths full", () => {
    const [found] = failures(run({ conntrackEntries: 900 }));
    expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
    expect(found?.detail).toBe('900 of 1000 entries now.');
    expect(found?.remedy.at(-1)?.command).toBe('sysctl -w net.netfilter.nf_conntrack_max=131072');
  });

  it("finds a pod's own table nine tenths full, and names the pod only", () => {
    const found = failures(run({}, full, 990));
    expect(found.map(({ object }) => object.name)).toEqual(['web-1']);
    expect(found[0]?.confidence).toBe('confirmed');
  });

  it('finds a table that was full within the day', () => {
    const [found] = failures(run({}, full));
    expect(found?.detail).toBe(
      '10 of 1000 entries now; the kernel dropped packets for a full table, last at 2026-11-20T01:00:00.000Z. The log does not say when it ended, so this is reported until 2026-11-21T01:00:00.000Z, a day after that message; it is over once the number of entries stays below the limit and no such message follows.',
    );
    expect(found?.remedy[0]?.text).toContain('lines later than 2026-11-20T01:00:00.000Z');
    expect(failures(run({}, [line(90_000, full[0]?.text ?? '')]))).toEqual([]);
  });

  it('is not applicable where connection tracking is not loaded, unknown where half of it cannot be read', () => {
    expect(run({ sysctls: {}, conntrackEntries: null }, [], null)[0]?.result).toBe('notApplicable');
    expect(run({ sysctls: {} })[0]?.result).toBe('unknown');
  });
});
