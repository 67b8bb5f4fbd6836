import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ipamLeaked } from '../../../lib/checks/cni/ipam-leaked.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { allowedRepair } from '../../../lib/model/repair.ts';
import {
  aCniResult,
  aHostLink,
  aHostStack,
  aNamespace,
  anAddress,
  aPod,
  aSandbox,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { aCniConfig, anAllocation, anIpam } from './evidence.ts';

type Need = Parameters<typeof ipamLeaked.run>[0];
const dead = anAllocation({ address: '10.244.1.9', containerId: 'd'.repeat(64) });

function evidence(changes: Partial<Sources> = {}): Need {
  return {
    ipam: [anIpam()],
    sandboxes: [aSandbox()],
    pods: [aPod()],
    cniConfig: aCniConfig(),
    cniResults: [aCniResult()],
    hostNetwork: aHostStack(),
    namespaces: [aNamespace()],
    ...changes,
  };
}

describe('ipam-leaked', () => {
  it('passes when every address belongs to a sandbox, also to a stopped one', () => {
    const stopped = aSandbox({ id: 'd'.repeat(64), state: 'stopped' });
    const outcomes = ipamLeaked.run(
      evidence({ ipam: [anIpam({ allocations: [anAllocation(), dead] })], sandboxes: [aSandbox(), stopped] }),
      context,
    );
    expect(outcomes).toEqual([
      {
        result: 'pass',
        object: { kind: 'file', name: 'lab', node: 'node-1', path: '/var/lib/cni/networks/lab' },
      },
    ]);
  });

  it('finds an address of a container that no sandbox is, and frees it under the lock of the plugin', () => {
    const [found] = failures(
      ipamLeaked.run(evidence({ ipam: [anIpam({ allocations: [anAllocation(), dead] })] }), context),
    );
    expect(found?.detail).toBe('1 address of 2 taken in lab belongs to no sandbox in any state: 10.244.1.9.');
    expect(found?.severity).toBeUndefined();
    expect(found?.remedy[0]?.command).toBe(
      `ids=$(crictl pods --no-trunc -q 2>/dev/null || ctr -n k8s.io containers list -q) && ! printf '%s\\n' "$ids" | grep -F -e ${'d'.repeat(64)} && echo 'the runtime knows none of them'`,
    );
    expect(found?.remedy[1]?.command).toBe(
      `flock /var/lib/cni/networks/lab/lock sh -c 'grep -qF -- ${'d'.repeat(64)} /var/lib/cni/networks/lab/10.244.1.9 && rm -- /var/lib/cni/networks/lab/10.244.1.9'`,
    );
    expect(found?.repair).toEqual({
      kind: 'release-addresses',
      records: [{ network: 'lab', address: '10.244.1.9', container: 'd'.repeat(64) }],
    });
  });

  it('offers no repair by the tool for records elsewhere, or of containers that cannot be named', () => {
    const repairOf = (store: Partial<ReturnType<typeof anIpam>>, container = 'd'.repeat(64)) =>
      failures(
        ipamLeaked.run(
          evidence({ ipam: [anIpam({ allocations: [{ ...dead, containerId: container }], ...store })] }),
          context,
        ),
      )[0]?.repair;
    expect(repairOf({})).not.toBeNull();
    expect(repairOf({ path: '/data/cni/networks/lab' })).toBeNull();
    expect(repairOf({}, 'x;reboot')).toBeNull();
  });

  it('is high where the leaks have nearly used up the range', () => {
    const full = anIpam({ capacity: 2, allocations: [anAllocation(), dead] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [full] }), context))[0]?.severity).toBe('high');
  });

  it('waits until an entry is old, as an ADD may be on its way; with settle 0 it does not', () => {
    const young = anIpam({ allocations: [{ ...dead, modifiedAt: '2026-11-20T01:50:00Z' }, anAllocation()] });
    // Not a pass, which would resolve what an audit without settle time found.
    expect(ipamLeaked.run(evidence({ ipam: [young] }), context)).toMatchObject([
      {
        result: 'notApplicable',
        reason: '1 entry of no sandbox, too young to be judged or perhaps of a pod on its way',
      },
    ]);
    const now = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    expect(failures(ipamLeaked.run(evidence({ ipam: [young] }), now))).toHaveLength(1);
  });

  it('never takes the address of a pod that is being created, even when judging at once', () => {
    const just = anIpam({ allocations: [{ ...dead, modifiedAt: '2026-11-20T01:59:50Z' }, anAllocation()] });
    const now = { ...context, settleSeconds: { pod: 0, orphan: 0 } };
    const creating = aPod({ name: 'new', uid: 'new', phase: 'Pending', podIPs: [] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [just], pods: [aPod(), creating] }), now))).toEqual([]);
    expect(failures(ipamLeaked.run(evidence({ ipam: [just] }), now))).toHaveLength(1);
  });

  it('does not call the leak of another resolved where a pod is just being deleted', () => {
    const leaving = aPod({ name: 'job', uid: 'job', createdAt: '2026-11-20T01:59:00Z', podIPs: [] });
    const pods = [aPod(), { ...leaving, deletionTimestamp: '2026-11-20T01:59:58Z' }];
    const store = anIpam({ allocations: [{ ...dead, modifiedAt: '2026-11-10T02:00:00Z' }, anAllocation()] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [store], pods }), context))).toHaveLength(1);
    const old = [
      aPod(),
      { ...leaving, createdAt: '2026-11-01T00:00:00Z', deletionTimestamp: '2026-11-20T01:59:58Z' },
    ];
    expect(ipamLeaked.run(evidence({ ipam: [store], pods: old }), context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });

  it('leaves an address that a pod uses to ipam-conflict, as freeing it would make a duplicate', () => {
    const taken = anIpam({ allocations: [anAllocation({ containerId: 'd'.repeat(64) })] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [taken] }), context))).toEqual([]);
  });

  it('leaves half-written reservations to ipam-corrupt', () => {
    const half = anIpam({ allocations: [anAllocation(), { ...dead, containerId: '' }] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [half] }), context))).toEqual([]);
  });

  it('does not judge the networks of podman and nerdctl, which the CRI does not know', () => {
    const podman = anIpam({ network: 'podman', path: '/var/lib/cni/networks/podman', allocations: [dead] });
    const [outcome] = ipamLeaked.run(evidence({ ipam: [podman] }), context);
    expect(outcome).toMatchObject({ result: 'notApplicable' });
  });

  it("judges a secondary network that only a pod's sandbox proves to be the cluster's", () => {
    const secondary = anIpam({ network: 'macvlan-conf', allocations: [anAllocation(), dead] });
    expect(failures(ipamLeaked.run(evidence({ ipam: [secondary] }), context))).toHaveLength(1);
  });

  it('does not know when no sandbox at all was found', () => {
    const [outcome] = ipamLeaked.run(evidence({ sandboxes: [] }), context);
    expect(outcome).toMatchObject({ result: 'unknown' });
  });

  describe('with the checkpoint of ipamd', () => {
    const entry = anAllocation({ address: '10.0.3.99', containerId: 'd'.repeat(64), pod: 'shop/gone-1' });
    const aws = anIpam({
      kind: 'aws',
      network: 'aws-cni',
      path: '/run/aws-node/ipam.json',
      capacity: null,
      allocations: [entry],
    });

    it('restarts aws-node instead of touching its file', () => {
      const [found] = failures(ipamLeaked.run(evidence({ ipam: [aws] }), context));
      expect(found?.remedy.at(-1)?.command).toBe(
        'kubectl delete pod -n kube-system -l k8s-app=aws-node --field-selector spec.nodeName=node-1',
      );
    });

    it('goes by the link of the pod, as ipamd does itself', () => {
      const hash = createHash('sha1').update('shop.gone-1').digest('hex').slice(0, 11);
      const hostNetwork = aHostStack({ links: [aHostLink({ name: `eni${hash}` })] });
      expect(failures(ipamLeaked.run(evidence({ ipam: [aws], hostNetwork }), context))).toEqual([]);
    });
  });

  describe("in Calico's blocks", () => {
    const blocks = (changes: Partial<ReturnType<typeof anIpam>> = {}) =>
      anIpam({
        kind: 'calico',
        network: 'calico-ipam',
        path: 'API: ipamblocks',
        capacity: null,
        allocations: [anAllocation(), { ...dead, pod: 'shop/gone-1', block: '10-244-1-0-26' }],
        ...changes,
      });

    it('finds an address whose container is gone, and frees it', () => {
      const [found] = failures(ipamLeaked.run(evidence({ ipam: [blocks()] }), context));
      expect(found?.detail).toContain('1 address of 2 taken in calico-ipam belongs to no sandbox');
      expect(found?.evidence[0]?.source).toBe('API: ipamblocks/10-244-1-0-26 (10.244.1.9)');
      expect(found?.remedy.map(({ command }) => command)).toEqual([
        'kubectl get pods -A -l k8s-app=calico-kube-controllers',
        'calicoctl ipam release --ip=10.244.1.9',
      ]);
    });

    const left = { ...dead, pod: 'shop/gone-1', block: '10-244-1-0-26' };
    const repairOf = (changes: Partial<Sources> = {}, allocations = [anAllocation(), left]) =>
      failures(ipamLeaked.run(evidence({ ipam: [blocks({ allocations })], ...changes }), context))[0]?.repair;
    const allocation = {
      block: '10-244-1-0-26',
      address: '10.244.1.9',
      container: 'd'.repeat(64),
      pod: { namespace: 'shop', name: 'gone-1' },
      use: null,
    };

    it('lets the tool free it', () => {
      expect(repairOf()).toEqual({ kind: 'release-allocations', allocations: [allocation] });
    });

    it.each<[string, string, Partial<Sources>]>([
      [
        'namespace',
        'a namespace of the node',
        {
          namespaces: [
            aNamespace({
              stack: {
                status: 'present',
                value: aStack({ addresses: [anAddress({ address: '10.244.1.9', prefixLength: 32 })] }),
              },
            }),
          ],
        },
      ],
      [
        'result',
        'a cached result',
        {
          cniResults: [
            aCniResult({
              addresses: aCniResult().addresses.map((each) => ({ ...each, address: '10.244.1.9' })),
            }),
          ],
        },
      ],
      [
        'result',
        'a cached result of its container',
        { cniResults: [aCniResult({ containerId: 'd'.repeat(64) })] },
      ],
      [
        'unread',
        'a namespace that was not read',
        { namespaces: [aNamespace(), aNamespace({ stack: { status: 'absent', reason: 'left out' } })] },
      ],
    ])('says that it is in use (%s): %s may have it', (use, _, changes) => {
      expect(repairOf(changes)).toEqual({
        kind: 'release-allocations',
        allocations: [{ ...allocation, use }],
      });
    });

    it('names the namespaces that were not read', () => {
      const stack = { status: 'absent', reason: 'left out' } as const;
      const namespaces = [
        aNamespace(),
        aNamespace({ inode: 7, pins: ['/run/netns/x'], stack }),
        aNamespace({ inode: 8, pins: [], stack }),
      ];
      const [found] = failures(ipamLeaked.run(evidence({ ipam: [blocks()], namespaces }), context));
      expect(found?.evidence.at(-1)).toMatchObject({
        what: 'network namespaces that could not be read',
        actual: '7 (/run/netns/x), 8 (no pin)',
      });
    });

    it.each([
      ['a pod', { pod: 'Shop/gone-1' }],
      ['a pod of no name', { pod: null }],
      ['a block', { block: '../../secrets' }],
      ['an address', { address: 'any' }],
    ])('does not let the tool touch %s that cannot be named', (_, changes) => {
      expect(repairOf({}, [anAllocation(), { ...left, ...changes }])).toBeNull();
    });

    it('names more of them to the tool than to people, and never more than it may touch', () => {
      const many = Array.from({ length: 120 }, (_, index) => ({ ...left, address: `10.244.2.${index}` }));
      const found = repairOf({}, many);
      expect(found?.kind === 'release-allocations' && found.allocations).toHaveLength(100);
      expect(allowedRepair(found ?? null)).toEqual(found);
    });

    it("leaves another node's pod its address, borrowed from a block of this one", () => {
      const borrowed = blocks({ allocations: [anAllocation(), { ...dead, otherNode: 'node-2' }] });
      expect(ipamLeaked.run(evidence({ ipam: [borrowed] }), context)).toMatchObject([{ result: 'pass' }]);
    });

    it('does not know what it may not read', () => {
      const unread = blocks({ allocations: [], unread: 'not allowed to list ipamblocks' });
      expect(ipamLeaked.run(evidence({ ipam: [unread] }), context)).toMatchObject([
        { result: 'unknown', reason: 'not allowed to list ipamblocks' },
      ]);
    });
  });
});
