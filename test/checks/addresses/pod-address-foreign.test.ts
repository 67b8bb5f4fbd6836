import { describe, expect, it } from 'vitest';
import { podAddressForeign } from '../../../lib/checks/addresses/pod-address-foreign.ts';
import { podGatewayNeighbourWrong } from '../../../lib/checks/routes/pod-gateway-neighbour-wrong.ts';
import type { ObservedPod, PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import type { Address } from '../../../lib/model/network.ts';
import {
  aClusterDns,
  aCniResult,
  aHostStack,
  aLink,
  aNode,
  anAddress,
  aPod,
  aPodNetwork,
  aSandbox,
  aStack,
  context,
  failures,
} from '../evidence.ts';
import { healthyLayouts } from '../layouts.ts';

const otherNodes: Sources['otherNodes'] = [
  { ...aNode(), name: 'node-2', addresses: ['10.0.3.8', 'fd00::8', 'ip-10-0-3-8.ec2.internal'] },
];
const GATEWAY = '10.244.1.1';

function holding(changes: Partial<Address>, pod: Partial<ObservedPod> = {}): PodNetwork {
  const stack = aStack();
  return aPodNetwork({
    pod: aPod(pod),
    stack: { ...stack, addresses: [...stack.addresses, anAddress(changes)] },
  });
}
const host = aHostStack();
const sources = {
  node: aNode(),
  otherNodes,
  clusterDns: aClusterDns(),
  hostNetwork: { ...host, addresses: [...host.addresses, anAddress({ address: '10.0.3.7', link: 'eth0' })] },
};
const run = (...podNetworks: PodNetwork[]) => podAddressForeign.run({ ...sources, podNetworks }, context);

describe('pod-address-foreign', () => {
  it.each(healthyLayouts)('passes a healthy pod of %s', (_, layout) => {
    expect(run(layout().network).map(({ result }) => result)).toEqual(['pass']);
  });

  it.each([
    [GATEWAY, 24, 'eth0', "the gateway of the node's pods", 'critical'],
    ['10.0.3.7', 32, 'lo', "the node's own address", 'critical'],
    ['10.0.3.8', 32, 'lo', 'an address of node node-2', 'high'],
    ['fd00:0:0::8', 128, 'eth0', 'an address of node node-2', 'high'],
    ['10.96.0.10', 32, 'dummy0', 'the address of the cluster DNS (kube-system/kube-dns)', 'high'],
  ])('finds %s/%i on %s: %s', (address, prefixLength, link, owner, severity) => {
    const family = address.includes(':') ? 6 : 4;
    const [found, ...more] = failures(run(holding({ address, prefixLength, link, family })));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'pod', name: 'web-1' } });
    expect(found?.severity ?? 'critical').toBe(severity);
    expect(found?.detail).toBe(`The pod holds ${address} on ${link}, which is ${owner}.`);
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      `nsenter --net=/run/netns/cni-1 ip addr del ${address}/${prefixLength} dev ${link}`,
    ]);
  });

  it("finds the gateway's address in a pod that was attached without naming it", () => {
    const thief = holding({ address: GATEWAY }, { name: 'thief' });
    const found = failures(run(aPodNetwork(), { ...thief, results: [] }));
    expect(found.map(({ object }) => object.name)).toEqual(['thief']);
  });

  it.each([
    ['an address of nobody', { address: '172.17.0.1' }],
    ['one that the kernel refused', { address: '10.0.3.8', dadFailed: true }],
    ['one that the kernel has not confirmed yet', { address: '10.0.3.8', tentative: true }],
  ])('leaves %s alone', (_, address) => {
    expect(failures(run(holding(address)))).toEqual([]);
  });

  it('leaves a link-local gateway alone, which is of one link only', () => {
    const pod = holding({ address: '169.254.1.1', scope: 'link' });
    const results = [
      aCniResult({ addresses: [], routes: [{ destination: '0.0.0.0/0', gateway: '169.254.1.1' }] }),
    ];
    expect(failures(run({ ...pod, results }))).toEqual([]);
  });

  it("leaves a pod's own address alone where the cloud names it among those of the node", () => {
    const pod = holding({}, {});
    const node = { ...aNode(), addresses: [...aNode().addresses, ...pod.pod.podIPs] };
    expect(failures(podAddressForeign.run({ ...sources, node, podNetworks: [pod] }, context))).toEqual([]);
  });

  it('leaves the address of a device alone that the node gave to the pod', () => {
    const given = holding({ address: '10.0.9.9', link: 'net1' });
    const node = { ...aNode(), addresses: [...aNode().addresses, '10.0.9.9'] };
    expect(failures(podAddressForeign.run({ ...sources, node, podNetworks: [given] }, context))).toEqual([]);
  });

  it('leaves the pod of a kubelet alone that reports its address as its node', () => {
    const kubelet = holding({ address: '10.0.3.8' }, { podIPs: ['10.0.3.8'] });
    expect(failures(run(kubelet))).toEqual([]);
  });

  it('recreates a pod to which its plugin gave the address of the gateway', () => {
    const [found] = failures(run(holding({ address: GATEWAY }, { podIPs: [GATEWAY] })));
    expect(found?.remedy[0]?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('recreates a pod whose namespace has no name', () => {
    const pod = { ...holding({ address: GATEWAY }), sandbox: aSandbox({ namespacePath: null }) };
    expect(failures(run(pod))[0]?.remedy[0]?.command).toContain('kubectl delete pod');
  });

  it('doubts what a pod may have done on purpose', () => {
    const [container] = aPod().containers;
    const containers = [container].flatMap((each) => (each ? [{ ...each, netAdmin: true }] : []));
    const pod = holding({ address: GATEWAY }, { containers });
    const [found] = failures(run({ ...pod, sandbox: aSandbox({ namespacePath: null }) }));
    expect(found).toMatchObject({ confidence: 'probable', repair: null });
  });

  it('names eleven addresses without a command for each', () => {
    const stack = aStack();
    const links = Array.from({ length: 11 }, (_, n) => anAddress({ address: GATEWAY, link: `net${n}` }));
    const [found] = failures(
      run(aPodNetwork({ stack: { ...stack, addresses: [...stack.addresses, ...links] } })),
    );
    expect(found?.remedy).toHaveLength(11);
    expect(found?.remedy.at(-1)?.text).toContain('the other 1');
  });

  it('does not look into the guest of a virtual machine', () => {
    const labels = { 'kubevirt.io': 'virt-launcher' };
    expect(run(holding({ address: GATEWAY }, { labels }))[0]?.result).toBe('notApplicable');
  });

  it('explains an entry that another pod learned from it, unless it is permanent', () => {
    const mac = '0a:58:0a:f4:01:99';
    const thief = { ...holding({ address: GATEWAY }, { name: 'thief' }), link: aLink({ mac }) };
    const learned = (state: string) =>
      aPodNetwork({
        stack: aStack({ neighbours: [{ destination: GATEWAY, link: 'eth0', mac, states: [state] }] }),
      });
    const gateway = (state: string, ...others: PodNetwork[]) =>
      podGatewayNeighbourWrong.run(
        { podNetworks: [learned(state), ...others], hostNetwork: aHostStack() },
        context,
      )[0];
    expect(gateway('REACHABLE', thief)).toMatchObject({
      result: 'notApplicable',
      reason: `another pod answers for the gateway ${GATEWAY}: see pod-address-foreign`,
    });
    expect(gateway('REACHABLE')?.result).toBe('fail');
    expect(gateway('PERMANENT', thief)?.result).toBe('fail');
    // This check finds none of these, so the entry has to be found.
    const refused = { ...holding({ address: GATEWAY, dadFailed: true }), link: aLink({ mac }) };
    expect(gateway('REACHABLE', refused)?.result).toBe('fail');
    const kata = { ...thief, pod: aPod({ name: 'thief', runtimeClass: 'kata' }) };
    expect(gateway('REACHABLE', kata)?.result).toBe('fail');
  });
});
