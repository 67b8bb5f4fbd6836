import { describe, expect, it } from 'vitest';
import { ipamConflict } from '../../../lib/checks/cni/ipam-conflict.ts';
import type { Ipam, PodNetwork } from '../../../lib/model/evidence.ts';
import { aPod, aPodNetwork, aSandbox, context, failures } from '../evidence.ts';
import { anAllocation, anIpam } from './evidence.ts';

const run = (ipam: Ipam[], ...podNetworks: PodNetwork[]) => ipamConflict.run({ ipam, podNetworks }, context);
const other = 'd'.repeat(64);

describe('ipam-conflict', () => {
  it('passes when store and pod agree, however IPv6 is written', () => {
    const network = aPodNetwork({
      pod: aPod({ podIPs: ['10.244.1.2', 'fd00:0:0::2'] }),
      results: aPodNetwork().results.map((result) => ({
        ...result,
        addresses: [
          ...result.addresses,
          { address: 'fd00::2', prefixLength: 64, gateway: null, interface: 2 },
        ],
      })),
    });
    const store = anIpam({ allocations: [anAllocation(), anAllocation({ address: 'fd00::2' })] });
    expect(run([store], network)[0]?.result).toBe('pass');
  });

  it('finds an address that the store gave to another container', () => {
    const store = anIpam({ allocations: [anAllocation({ containerId: other })] });
    const [found] = failures(run([store], aPodNetwork()));
    expect(found?.detail).toBe(
      `The pod uses 10.244.1.2, but the IPAM store says that container ${other} has it.`,
    );
  });

  it('finds a pod that uses another address than its sandbox was given', () => {
    const store = anIpam({ allocations: [anAllocation({ address: '10.244.1.9' })] });
    expect(failures(run([store], aPodNetwork()))[0]?.detail).toContain('gave its sandbox 10.244.1.9');
  });

  it('does not pass a pod whose store cannot be read', () => {
    const store = anIpam({
      allocations: [],
      corrupt: [{ path: '/var/lib/cni/networks/lab', reason: 'is a file' }],
    });
    expect(run([store], aPodNetwork())).toMatchObject([
      { result: 'notApplicable', reason: 'the store cannot be read: see ipam-corrupt' },
    ]);
  });

  it('leaves two pods with one address to pod-address-duplicate', () => {
    const twin = aPodNetwork({ pod: aPod({ name: 'web-2' }), sandbox: aSandbox({ id: other }) });
    const store = anIpam({ allocations: [anAllocation({ containerId: other })] });
    const [outcome] = run([store], aPodNetwork(), twin);
    expect(outcome).toMatchObject({ result: 'notApplicable' });
  });

  it('leaves what is not recorded, and what is half written, to others', () => {
    expect(run([anIpam({ allocations: [] })], aPodNetwork())[0]?.result).toBe('pass');
    const half = anIpam({ allocations: [anAllocation({ containerId: '' })] });
    expect(run([half], aPodNetwork())[0]?.result).toBe('pass');
  });

  it('does not judge a pod whose addresses are kept elsewhere, or that has none', () => {
    expect(run([], aPodNetwork())[0]?.result).toBe('notApplicable');
    expect(run([anIpam()], aPodNetwork({ pod: aPod({ podIPs: [] }) }))[0]?.result).toBe('notApplicable');
  });
});
