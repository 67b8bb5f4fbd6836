import { describe, expect, it } from 'vitest';
import { ipamCorrupt } from '../../../lib/checks/cni/ipam-corrupt.ts';
import type { Ipam } from '../../../lib/model/evidence.ts';
import { aPod, context, failures } from '../evidence.ts';
import { anAllocation, anIpam } from './evidence.ts';

const run = (store: Ipam) => ipamCorrupt.run({ ipam: [store], pods: [aPod()] }, context);
const empty = anAllocation({ address: '10.244.1.9', containerId: '' });

describe('ipam-corrupt', () => {
  it('passes a store that can be read', () => {
    expect(run(anIpam())[0]?.result).toBe('pass');
  });

  it('finds an address reserved by nobody, and frees it only while it is empty', () => {
    const [found] = failures(run(anIpam({ allocations: [anAllocation(), empty] })));
    expect(found?.detail).toBe('1 address reserved by nobody: 10.244.1.9.');
    expect(found?.remedy.at(-1)?.command).toBe(
      "flock /var/lib/cni/networks/lab/lock sh -c '[ ! -s /var/lib/cni/networks/lab/10.244.1.9 ] && rm -- /var/lib/cni/networks/lab/10.244.1.9'",
    );
  });

  it('waits while the reservation may still be being written', () => {
    const young = anIpam({ allocations: [{ ...empty, modifiedAt: '2026-11-20T01:59:50Z' }] });
    expect(run(young)[0]?.result).toBe('pass');
    const corrupt = [{ path: '/var/lib/cni/networks/lab/10.244.1.9', reason: 'empty' }];
    expect(run({ ...young, corrupt })[0]?.result).toBe('pass');
  });

  it('deletes a pod that uses such an address, and does not free it meanwhile', () => {
    const [found] = failures(run(anIpam({ allocations: [{ ...empty, address: '10.244.1.2' }] })));
    expect(found?.remedy.map((step) => step.command)).toEqual([
      undefined,
      'kubectl delete pod -n shop web-1',
    ]);
  });

  it('quotes what a node says in one line', () => {
    const [found] = failures(
      run(anIpam({ corrupt: [{ path: '/var/lib/cni/networks/lab/x;reboot', reason: 'bad\u001b[2J\nid' }] })),
    );
    expect(found?.detail).toBe(
      '1 file cannot be understood: /var/lib/cni/networks/lab/x;reboot: bad [2J id.',
    );
    expect(found?.remedy[0]?.command).toBe("head -c 300 -- '/var/lib/cni/networks/lab/x;reboot'");
  });

  it("is high for ipamd's checkpoint, and never edits it", () => {
    const path = '/run/aws-node/ipam.json';
    const [found] = failures(
      run(anIpam({ kind: 'aws', path, allocations: [], corrupt: [{ path, reason: 'not JSON' }] })),
    );
    expect(found?.severity).toBe('high');
    expect(found?.remedy.map((step) => step.command)).toEqual([
      'kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data --timeout=10m',
      undefined,
    ]);
  });
});
