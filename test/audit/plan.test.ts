import { describe, expect, it } from 'vitest';
import { type NodeSelection, otherNodes, planNodes } from '../../lib/audit/plan.ts';
import { type Node, nodeSchema } from '../../lib/model/kubernetes.ts';

function aNode(name: string, changes: Partial<Node> = {}): Node {
  return nodeSchema.parse({
    name,
    uid: `uid-${name}`,
    labels: { zone: 'a' },
    createdAt: '2026-01-01T00:00:00Z',
    ready: true,
    notReadyMessage: null,
    kubeletReports: true,
    unschedulable: false,
    addresses: [],
    podCIDRs: [],
    os: 'linux',
    architecture: 'amd64',
    kernelVersion: '6.1',
    osImage: 'Linux',
    containerRuntime: 'containerd://2.0',
    kubeletVersion: 'v1.36.0',
    providerID: null,
    maxPods: 110,
    ...changes,
  });
}

const all: NodeSelection = { names: [], labels: [] };
const plan = (node: Node) => planNodes([node], all)[0]?.coverage;

describe('the nodes of a run', () => {
  it('are all, unless some are named or chosen by label', () => {
    const nodes = [aNode('a'), aNode('b', { labels: { zone: 'b', spot: '' } }), aNode('c')];
    const names = (selection: Partial<NodeSelection>) =>
      planNodes(nodes, { ...all, ...selection }).map(({ node }) => node.name);
    expect(names({})).toEqual(['a', 'b', 'c']);
    expect(names({ names: ['c', 'a'] })).toEqual(['a', 'c']);
    expect(names({ labels: ['zone=a'] })).toEqual(['a', 'c']);
    expect(names({ labels: ['spot'] })).toEqual(['b']);
    expect(names({ names: ['a', 'b'], labels: ['zone=b'] })).toEqual(['b']);
  });

  it('must exist: a name with a slip is not a cluster without faults', () => {
    expect(() => planNodes([aNode('node-1')], { ...all, names: ['nod-1'] })).toThrow('no such node: nod-1');
    expect(() => planNodes([aNode('node-1')], { ...all, labels: ['zone=z'] })).toThrow(
      'no node has the labels',
    );
    expect(() => planNodes([], { ...all, names: ['node-1'] })).toThrow('no such node: node-1');
    expect(() => planNodes([], { ...all, labels: ['zone=a'] })).toThrow('no node has the labels');
  });

  it('are none where the cluster has none, which is no mistake of whoever asks', () => {
    expect(planNodes([], all)).toEqual([]);
  });

  it.each([
    ['Fargate', { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } }],
    ['operating system windows', { os: 'windows' }],
    ['virtual node', { labels: { type: 'virtual-kubelet' } }],
  ])('are skipped where there is nothing to look at: %s', (reason, changes) => {
    expect(plan(aNode('n', changes))).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining(reason),
    });
  });

  it('have failed where a kubelet names an operating system that there is not: it would hide the node', () => {
    expect(plan(aNode('n', { os: 'plan9' }))).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('plan9'),
    });
  });

  it('are tried though they are not Ready, cordoned or full of taints: a broken network makes them so', () => {
    expect(plan(aNode('n', { ready: false, notReadyMessage: 'cni plugin not initialized' }))).toBeNull();
    expect(plan(aNode('n', { unschedulable: true }))).toBeNull();
  });

  it('have failed, and are not skipped, where no kubelet ever told the operating system', () => {
    expect(plan(aNode('n', { os: '', ready: false, kubeletReports: false }))).toMatchObject({
      result: 'failed',
    });
  });

  it('have failed, with what to do, where the kubelet is silent', () => {
    expect(
      plan(aNode('n', { ready: false, kubeletReports: false, notReadyMessage: 'Kubelet stopped posting' })),
    ).toMatchObject({
      result: 'failed',
      reason: 'the kubelet does not report: Kubelet stopped posting',
      remedy: expect.stringContaining('kubectl describe node n'),
    });
  });
});

describe('what nodes are judged beside', () => {
  const flannel = { 'flannel.alpha.coreos.com/backend-type': 'vxlan' };

  it('is the nodes with a tunnel, and a few of the others', () => {
    const others = Array.from({ length: 50 }, (_, n) => aNode(`node-${n}`));
    const nodes = [aNode('b'), aNode('a', { annotations: flannel }), ...others];
    const names = otherNodes(nodes).map(({ name }) => name);
    expect(names).toHaveLength(11);
    expect(names.slice(0, 3)).toEqual(['a', 'b', 'node-0']);
  });

  it('does not grow with the cluster, as every node keeps it', () => {
    const nodes = Array.from({ length: 5_000 }, (_, n) => aNode(`node-${n}`, { annotations: flannel }));
    expect(otherNodes(nodes)).toHaveLength(100);
  });
});
