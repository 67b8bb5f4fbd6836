import { describe, expect, it } from 'vitest';
import { ipamUnrecorded } from '../../../lib/checks/cni/ipam-unrecorded.ts';
import type { Ipam, PodNetwork } from '../../../lib/model/evidence.ts';
import { aHostLink, aPod, aPodNetwork, aSandbox, context, failures } from '../evidence.ts';
import { anAllocation, anIpam } from './evidence.ts';

const run = (ipam: Ipam[], ...podNetworks: PodNetwork[]) =>
  ipamUnrecorded.run({ ipam, podNetworks }, context);

describe('ipam-unrecorded', () => {
  it('passes a pod whose address is taken', () => {
    expect(run([anIpam()], aPodNetwork())[0]?.result).toBe('pass');
  });

  it('finds a pod whose address somebody freed while it runs', () => {
    const [found] = failures(run([anIpam({ allocations: [] })], aPodNetwork()));
    expect(found?.detail).toBe(
      '10.244.1.2 is in use by the pod, and is free in the IPAM store /var/lib/cni/networks/lab.',
    );
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('leaves an address taken by another container, or another address of the sandbox, to ipam-conflict', () => {
    const other = anIpam({ allocations: [anAllocation({ containerId: 'd'.repeat(64) })] });
    const moved = anIpam({ allocations: [anAllocation({ address: '10.244.1.9' })] });
    expect(failures(run([other], aPodNetwork()))).toEqual([]);
    expect(failures(run([moved], aPodNetwork()))).toEqual([]);
  });

  it.each([
    ['a plugin that keeps addresses elsewhere (Calico)', [], aPodNetwork({ plugin: 'calico' })],
    ['a pod without an entry in the result cache', [anIpam()], aPodNetwork({ results: [] })],
    ['a pod without an address', [anIpam()], aPodNetwork({ pod: aPod({ podIPs: [] }) })],
    [
      'an AWS pod on a branch ENI',
      [anIpam({ kind: 'aws', allocations: [] })],
      aPodNetwork({ plugin: 'aws-cni', hostLink: aHostLink({ name: 'vlan0123456789a' }) }),
    ],
    [
      'a store that cannot be read',
      [anIpam({ allocations: [], corrupt: [{ path: '/var/lib/cni/networks/lab', reason: 'is a file' }] })],
      aPodNetwork(),
    ],
  ])('does not judge %s', (_, ipam, network) => {
    expect(run(ipam, network)[0]?.result).toBe('notApplicable');
  });

  it("finds an AWS pod that ipamd's checkpoint does not know", () => {
    const aws = anIpam({ kind: 'aws', network: 'aws-cni', path: '/run/aws-node/ipam.json', allocations: [] });
    expect(failures(run([aws], aPodNetwork({ plugin: 'aws-cni' })))).toHaveLength(1);
  });

  it('finds a pod of Calico whose address is free in the blocks, and not one that began after they were listed', () => {
    const store = anIpam({
      kind: 'calico',
      capacity: null,
      allocations: [],
      listedAt: '2026-11-20T01:59:50.000Z',
    });
    const pod = aPodNetwork({ plugin: 'calico' });
    const found = ipamUnrecorded.run({ ipam: [store], podNetworks: [pod] }, context);
    expect(found).toMatchObject([{ result: 'fail' }]);
    const starting = { ...pod, pod: aPod({ containers: [] }) };
    const again = { ...pod, sandbox: aSandbox({ createdAt: '2026-11-20T01:59:55.000Z' }) };
    for (const young of [starting, again])
      expect(ipamUnrecorded.run({ ipam: [store], podNetworks: [young] }, context)).toMatchObject([
        { result: 'notApplicable' },
      ]);
    const unread = { ...store, unread: 'not allowed to list ipamblocks' };
    expect(ipamUnrecorded.run({ ipam: [unread], podNetworks: [pod] }, context)).toMatchObject([
      { result: 'unknown' },
    ]);
  });
});
