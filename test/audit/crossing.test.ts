import { describe, expect, it } from 'vitest';
import { afterwards, crossPlan, inRing } from '../../lib/audit/crossing.ts';
import type { PlannedNode } from '../../lib/audit/plan.ts';
import { crossPlanSchema, type NetworkPolicies, NO_NETWORK_POLICIES } from '../../lib/model/crossing.ts';
import type { Pod } from '../../lib/model/kubernetes.ts';
import { OWN_LABEL } from '../../lib/model/own-pods.ts';
import { aNode, aPod } from '../checks/evidence.ts';

const planned = (name: string, coverage: PlannedNode['coverage'] = null): PlannedNode => ({
  node: aNode({ name, addresses: [`10.0.0.${name.length}`] }),
  coverage,
});
const skipped = (node: string) => ({ node, result: 'skipped', reason: 'Fargate', remedy: null }) as const;

describe('the ring of nodes', () => {
  it('leads each node that is probed to the next by name, and the last to the first', () => {
    const ring = inRing([planned('c'), planned('b', skipped('b')), planned('aa'), planned('d')]);
    expect(ring.map(({ node, next }) => [node.name, next?.name ?? null])).toEqual([
      ['c', 'd'],
      ['b', null],
      ['aa', 'c'],
      ['d', 'aa'],
    ]);
    expect(ring[0]?.next).toEqual({ name: 'd', addresses: ['10.0.0.1'] });
  });

  it('leads a node alone to nobody', () => {
    expect(inRing([planned('a'), planned('b', skipped('b'))]).map(({ next }) => next)).toEqual([null, null]);
    expect(inRing([])).toEqual([]);
  });
});

const NOW = Date.parse('2026-11-20T02:00:00Z');
const started = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
let count = 0;
const pod = (name: string, address: string, changes: Partial<Pod> = {}): Pod => ({
  ...aPod(),
  name,
  uid: `uid-${name}`,
  podIPs: [address],
  ready: true,
  createdAt: started(100 - count++ * 0.1),
  startedAt: started(60),
  ...changes,
});
const next = { name: 'node-2', addresses: ['node-2.example', 'fd00::2', '10.0.0.2'] };
const plan = (own: readonly Pod[], others: readonly Pod[], policies: NetworkPolicies = NO_NETWORK_POLICIES) =>
  crossPlan({ own, next: others }, next, { policies, settleSeconds: 300, now: NOW });
const names = (result: ReturnType<typeof plan>) =>
  result.status === 'planned'
    ? { sources: result.sources.map(({ name }) => name), targets: result.targets.map(({ name }) => name) }
    : result.reason;

const own = [pod('own', '10.244.1.2')];

describe('pods that ping each other', () => {
  it('are the two oldest of each node, then any, with the address of the other node in their family', () => {
    const result = plan(own, [
      pod('a-younger', '10.244.2.4', { createdAt: started(6) }),
      pod('b-young', '10.244.2.5', { createdAt: started(7) }),
      pod('older', '10.244.2.3', { createdAt: started(8) }),
      pod('oldest', '10.244.2.2', { createdAt: started(9) }),
    ]);
    expect(names(result)).toEqual({
      sources: ['own'],
      targets: ['oldest', 'older', 'a-younger', 'b-young'],
    });
    expect(result).toMatchObject({ next: { name: 'node-2', address: '10.0.0.2' } });
  });

  it('are eight of those that are pinged, and all of which the probe may choose some to ping', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      pod(`pod-${String(index).padStart(3, '0')}`, `10.244.${Math.floor(index / 200)}.${(index % 200) + 1}`),
    );
    const result = plan(many, many);
    expect(result.status === 'planned' && [result.sources.length, result.targets.length]).toEqual([250, 8]);
    // The node itself pings the first eight of its own, as it does not know which ones the node before it pings.
    expect(result.status === 'planned' && result.sources.slice(0, 8).map(({ address }) => address)).toEqual(
      result.status === 'planned' && result.targets.map(({ address }) => address),
    );
    expect(crossPlanSchema.parse(result)).toEqual(result);
  });

  it.each<[string, Partial<Pod>]>([
    ['has the network of its node', { hostNetwork: true }],
    ['is being deleted', { deletionTimestamp: started(0) }],
    ['does not run', { phase: 'Pending' }],
    ['is not ready', { ready: false }],
    ['has just started', { startedAt: started(4) }],
    ['has no address', { podIPs: [] }],
    ['has the address of a loopback', { podIPs: ['127.0.0.1'] }],
    ['has an address of many machines', { podIPs: ['224.0.0.1'] }],
    ['has an address that only its link knows', { podIPs: ['fe80::1'] }],
    ['has the address of cloud metadata', { podIPs: ['169.254.169.254'] }],
    ['has something else for an address', { podIPs: ['10.1.1.1;reboot'] }],
    [
      "is the auditor's own",
      {
        labels: { [OWN_LABEL.name]: OWN_LABEL.value },
        controller: null,
        annotations: { 'netns-auditor/expires': started(-5) },
      },
    ],
  ])('are none that %s', (_why, changes) => {
    const odd = pod('odd', '10.244.2.2', changes);
    expect(names(plan(own, [odd, pod('usual', '10.244.2.3')]))).toMatchObject({ targets: ['usual'] });
    expect(names(plan(own, [odd]))).toEqual({ sources: ['own'], targets: [] });
  });

  it('are first those that no policy can concern, and know which may', () => {
    const others = [
      pod('policed', '10.244.2.2', { namespace: 'shop' }),
      pod('free', '10.244.2.3', { namespace: 'tools' }),
    ];
    const policies = { ...NO_NETWORK_POLICIES, namespaces: ['shop'] };
    const result = plan(own, others, policies);
    expect(names(result)).toMatchObject({ targets: ['free', 'policed'] });
    expect(result.status === 'planned' && result.targets.map(({ restricted }) => restricted)).toEqual([
      null,
      'there are network policies in shop',
    ]);
  });

  it('may all be concerned by policies for the whole cluster, and where policies could not be read', () => {
    const restricted = (policies: NetworkPolicies) => {
      const result = plan(own, [pod('any', '10.244.2.3')], policies);
      return result.status === 'planned' ? result.targets[0]?.restricted : null;
    };
    expect(restricted({ ...NO_NETWORK_POLICIES, everywhere: ['adminnetworkpolicies.x'] })).toBe(
      'there are policies for the whole cluster: adminnetworkpolicies.x',
    );
    expect(restricted({ ...NO_NETWORK_POLICIES, unread: 'not allowed' })).toBe(
      'network policies are unknown: not allowed',
    );
  });

  it('may send by another way, such as a VPN client, whose own node alone reaches it', () => {
    const containers = (role: 'app' | 'init') =>
      aPod().containers.map((container) => ({ ...container, role, netAdmin: true }));
    const result = plan(own, [
      pod('client', '10.244.2.2', { containers: containers('app') }),
      pod('meshed', '10.244.2.3', { containers: [...aPod().containers, ...containers('init')] }),
    ]);
    expect(names(result)).toMatchObject({ targets: ['meshed', 'client'] });
    expect(result.status === 'planned' && result.targets.map(({ restricted }) => restricted)).toEqual([
      null,
      "a container may change the pod's network",
    ]);
  });

  it('may have security groups of their own on AWS', () => {
    const annotations = { 'vpc.amazonaws.com/pod-eni': '[{"vlanId":2}]' };
    const result = plan(own, [pod('grouped', '10.244.2.2', { annotations }), pod('free', '10.244.2.3')]);
    expect(names(result)).toMatchObject({ targets: ['free', 'grouped'] });
    expect(result.status === 'planned' && result.targets[1]?.restricted).toBe(
      'it has security groups of its own',
    );
  });

  it('are those of the node alone where the next has none: the node before it pings them too', () => {
    expect(plan(own, [])).toMatchObject({
      next: { address: '10.0.0.2' },
      sources: [{ name: 'own' }],
      targets: [],
    });
    expect(names(plan([], []))).toBe('not tried: the node has no pod to ping from that runs and is settled');
  });

  it('are of one family', () => {
    const six = [pod('six', 'FD00:2::5')];
    expect(names(plan(own, six))).toBe(
      'not tried: the node has no pod to ping from that runs and is settled',
    );
    expect(plan([pod('own-six', 'fd00:1::5')], six)).toMatchObject({
      next: { address: 'fd00::2' },
      targets: [{ address: 'fd00:2::5' }],
    });
  });

  it.each([
    ['224.0.0.1', '10.0.0.2'],
    ['255.255.255.255', '10.0.0.2'],
    ['127.0.0.1', '10.0.0.2'],
    ['169.254.169.254', '10.0.0.2'],
    ['ff02::1', 'fd00::2'],
    ['fe80::1%eth0', 'fd00::2'],
    ['fd00::1%eth0', 'fd00::2'],
  ])('are never joined by %s, which a kubelet may give as the address of its node', (odd, usual) => {
    const ofNode = (addresses: string[]) => {
      const [from, to] = usual.includes(':') ? ['fd00:1::5', 'fd00:2::5'] : ['10.244.1.2', '10.244.2.2'];
      const pods = { own: [pod('a', from)], next: [pod('b', to)] };
      const choice = { policies: NO_NETWORK_POLICIES, settleSeconds: 300, now: NOW };
      return crossPlan(pods, { name: 'node-2', addresses }, choice);
    };
    expect(ofNode([odd, usual])).toMatchObject({ status: 'planned', next: { address: usual } });
    expect(ofNode([odd])).toMatchObject({ status: 'none', alone: false });
  });

  it('are joined by an address in the letters that admission allows', () => {
    const choice = { policies: NO_NETWORK_POLICIES, settleSeconds: 300, now: NOW };
    const pods = { own: [pod('a', 'fd00:1::5')], next: [pod('b', 'fd00:2::5')] };
    expect(crossPlan(pods, { name: 'node-2', addresses: ['FD00::9'] }, choice)).toMatchObject({
      next: { address: 'fd00::9' },
    });
  });

  it('are none of a node alone, and none where the other node has no address', () => {
    const choice = { policies: NO_NETWORK_POLICIES, settleSeconds: 300, now: NOW };
    expect(crossPlan({ own, next: [] }, null, choice)).toMatchObject({ status: 'none', alone: true });
    const nowhere = { name: 'node-2', addresses: [] };
    expect(crossPlan({ own, next: [pod('any', '10.244.2.3')] }, nowhere, choice)).toMatchObject({
      status: 'none',
      alone: false,
    });
  });

  it('have stayed only if the API lists the same pod with the same address afterwards', () => {
    const others = [pod('a', '10.244.2.2'), pod('b', '10.244.2.3')];
    const before = plan(own, others);
    const stayed = (pods: readonly Pod[]) => {
      const result = afterwards(before, pods);
      return result.status === 'planned' && result.targets.map((target) => target.stayed);
    };
    expect(stayed(others)).toEqual([true, true]);
    const [a, b] = others as [Pod, Pod];
    expect(stayed([a])).toEqual([true, false]);
    expect(
      stayed([
        { ...a, podIPs: ['10.244.2.9'] },
        { ...b, deletionTimestamp: started(0) },
      ]),
    ).toEqual([false, false]);
  });
});
