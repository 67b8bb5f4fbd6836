import { describe, expect, it } from 'vitest';
import { ipamNearExhausted } from '../../../lib/checks/cni/ipam-near-exhausted.ts';
import type { Ipam } from '../../../lib/model/evidence.ts';
import { aPod, aSandbox, context, failures } from '../evidence.ts';
import { aNode, anAllocation, anIpam } from './evidence.ts';

const run = (store: Ipam, maxPods: number | null = 110) =>
  ipamNearExhausted.run(
    { ipam: [store], sandboxes: [aSandbox()], node: aNode({ maxPods }), pods: [aPod()] },
    context,
  );
const filled = (count: number, capacity: number | null) =>
  anIpam({
    capacity,
    allocations: Array.from({ length: count }, (_, index) =>
      anAllocation({
        address: `10.244.1.${index + 2}`,
        containerId: index === 0 ? 'a'.repeat(64) : 'd'.repeat(64),
      }),
    ),
  });

describe('ipam-near-exhausted', () => {
  it('passes below nine tenths, and finds from there on', () => {
    expect(run(filled(89, 100))[0]?.result).toBe('pass');
    const [found] = failures(run(filled(90, 100)));
    expect(found?.detail).toBe(
      '90 of 100 addresses of lab are taken, 10 free; 89 of them by no sandbox (see ipam-leaked).',
    );
  });

  it('passes a small range that is enough for all pods the kubelet admits', () => {
    expect(run(filled(95, 100), 6)[0]?.result).toBe('pass');
    expect(failures(run(filled(95, 100), 7))).toHaveLength(1);
    expect(failures(run(filled(100, 100), 1))).toHaveLength(1);
  });

  it('is critical once a pod that the kubelet admits gets no address', () => {
    const severityAt = (count: number, maxPods: number | null) =>
      failures(run(filled(count, 100), maxPods))[0]?.severity ?? ipamNearExhausted.severity;
    expect(severityAt(100, 2)).toBe('critical');
    expect(severityAt(100, null)).toBe('critical');
    expect(severityAt(100, 1)).toBe('high');
    expect(severityAt(99, 110)).toBe('high');
  });

  it('goes by the IPv4 range in dual stack', () => {
    const store = filled(60, 100);
    const dual = {
      ...store,
      allocations: [
        ...store.allocations,
        ...store.allocations.map((each, index) => ({ ...each, address: `fd00::${index + 2}` })),
      ],
    };
    expect(run(dual)[0]?.result).toBe('pass');
  });

  it('does not judge a range of unknown size, nor ipamd, which attaches more', () => {
    expect(run(filled(90, null))[0]?.result).toBe('notApplicable');
    expect(run({ ...filled(90, 100), kind: 'aws' })[0]?.result).toBe('notApplicable');
  });
});
