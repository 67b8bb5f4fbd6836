import { describe, expect, it } from 'vitest';
import { podAddresses } from '../../lib/audit/node-facts.ts';
import type { Evidence, ObservedPod, Sandbox } from '../../lib/model/evidence.ts';
import { podNetworks } from '../../lib/probe/pod-networks.ts';
import {
  aCniResult,
  aHostStack,
  aNamespace,
  aPod,
  aSandbox,
  HOST_NAMESPACE,
  POD_NAMESPACE,
} from '../checks/evidence.ts';

const OTHER = 4026532900;
/** The uid of a static pod in the runtime. */
const HASH = '0123456789abcdef0123456789abcdef';

function networkOf(sandbox: Partial<Sandbox>, pinned: number, pod: Partial<ObservedPod> = {}) {
  const pins = (inode: number) => (inode === pinned ? ['/run/netns/cni-1'] : []);
  return podNetworks({
    pods: [aPod(pod)],
    sandboxes: [aSandbox(sandbox)],
    namespaces: [
      aNamespace({
        inode: HOST_NAMESPACE,
        host: true,
        pins: pins(HOST_NAMESPACE),
        stack: { status: 'present', value: aHostStack() },
      }),
      aNamespace({ pins: pins(POD_NAMESPACE) }),
      aNamespace({ inode: OTHER, pins: pins(OTHER) }),
    ],
    results: [aCniResult()],
  });
}

describe('the network of a pod', () => {
  it('is joined with both ends of its pair', () => {
    expect(networkOf({}, POD_NAMESPACE)).toMatchObject([
      { namespace: POD_NAMESPACE, link: { name: 'eth0' }, hostLink: { name: 'veth12345678' } },
    ]);
  });

  it('is joined for a static pod too, whose uid in the API is that of its mirror', () => {
    const found = networkOf({ uid: HASH }, POD_NAMESPACE, { controller: 'Node' });
    expect(found).toMatchObject([{ namespace: POD_NAMESPACE, hostLink: { name: 'veth12345678' } }]);
  });

  it.each([HASH, '22222222-2222-4222-8222-222222222222'])(
    'is its own, though it bears the annotation of a static pod with the uid %s: anyone may write that',
    (uid) => {
      const annotations = { 'kubernetes.io/config.hash': uid };
      expect(networkOf({}, POD_NAMESPACE, { annotations })).toMatchObject([{ namespace: POD_NAMESPACE }]);
      expect(networkOf({ uid, name: 'db-1' }, POD_NAMESPACE, { annotations })).toEqual([]);
    },
  );

  it('is where its pause process lives, when its pin was covered by that of another pod', () => {
    expect(networkOf({}, OTHER)).toMatchObject([{ namespace: POD_NAMESPACE }]);
  });

  it('is where the path leads, when there is no pause process or it is in the network of the node', () => {
    const none = { pid: null, networkNamespace: null } as const;
    expect(networkOf(none, POD_NAMESPACE)).toMatchObject([{ namespace: POD_NAMESPACE }]);
    expect(networkOf({ networkNamespace: HOST_NAMESPACE }, POD_NAMESPACE)).toMatchObject([
      { namespace: POD_NAMESPACE },
    ]);
  });

  it('is none in the network of the node: its links and addresses are not those of the pod', () => {
    expect(networkOf({ networkNamespace: HOST_NAMESPACE }, HOST_NAMESPACE)).toEqual([]);
  });

  it('tells the addresses that it holds, as old as its sandbox', () => {
    const value = networkOf({}, POD_NAMESPACE);
    const evidence = { nodeName: 'node-1', podNetworks: { status: 'present', value } } as unknown as Evidence;
    expect(podAddresses(evidence)).toMatchObject([
      {
        address: '10.244.1.2',
        inPodStatus: true,
        namespace: POD_NAMESPACE,
        createdAt: '2026-11-19T02:00:01Z',
        podCreatedAt: aPod().createdAt,
      },
    ]);
  });

  it('tells addresses only, one more than are compared, and a name of the network as CNI spells it', () => {
    const [network] = networkOf({}, POD_NAMESPACE);
    const [first] = network?.stack?.addresses.filter(({ link }) => link === 'eth0') ?? [];
    if (network?.stack == null || first === undefined) throw new Error('no network');
    const addresses = Array.from({ length: 20_000 }, (_, n) => ({
      ...first,
      address: n === 0 ? '10.0.0.1; reboot' : `10.1.${n >> 8}.${n & 255}`,
    }));
    const results = network.results.map((result) => ({ ...result, network: 'cbr0\u001b[2J' }));
    const value = [{ ...network, stack: { ...network.stack, addresses }, results }];
    const evidence = { nodeName: 'node-1', podNetworks: { status: 'present', value } } as unknown as Evidence;
    const told = podAddresses(evidence);
    expect(told).toHaveLength(65);
    expect(told[0]).toMatchObject({ address: '10.1.0.1', network: 'unknown' });
  });
});
