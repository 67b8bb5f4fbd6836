import { expect, it } from 'vitest';
import { nodeCrossing } from '../../../lib/computed/path/node-crossing.ts';
import { type CrossSent, nodeCrossingSchema, type PlannedCross } from '../../../lib/model/crossing.ts';
import type { Evidence, PodNetwork } from '../../../lib/model/evidence.ts';
import { aCrossPod, aPing } from '../../checks/connectivity/crossings.ts';
import { aHostStack, aPodNetwork } from '../../checks/evidence.ts';
import { aRule } from '../../checks/ways.ts';

const network = aPodNetwork();
const address = network.pod.podIPs[0] ?? '';
const plan: PlannedCross = {
  status: 'planned',
  next: { name: 'node-2', address: '10.0.0.2' },
  sources: [aCrossPod(1, { uid: network.pod.uid, address })],
  targets: [{ ...aCrossPod(2), stayed: true }],
};
const pings = [aPing('10.244.2.5')];
const sent: CrossSent = {
  node: [aPing('10.0.0.2')],
  namespaces: [{ inode: network.namespace ?? 0, pings }],
};

const host = (() => {
  const stack = aHostStack();
  const [address] = stack.addresses;
  const [link] = stack.links;
  if (address === undefined || link === undefined) throw new Error('the node has no link');
  return {
    ...stack,
    links: [...stack.links, { ...link, name: 'kube-ipvs0', kind: 'dummy' }],
    addresses: [
      ...stack.addresses,
      { ...address, link: 'kube-ipvs0', address: '10.96.0.1', scope: 'global' },
    ],
  };
})();

const present = <T>(value: T) => ({ status: 'present', value }) as const;
const of = (crossing: Evidence['crossing'], networks: readonly PodNetwork[] = [network]) =>
  nodeCrossing({
    nodeName: 'node-1',
    crossing,
    podNetworks: present([...networks]),
    hostNetwork: present(host),
  });

it('has the pings of a pod from the namespace that is its own and holds its address', () => {
  expect(of(present({ plan, sent }))).toEqual({
    node: 'node-1',
    addresses: aHostStack()
      .addresses.filter(({ scope }) => scope === 'global')
      .map(({ address }) => address),
    plan,
    unread: null,
    fromNode: sent.node,
    fromPods: [{ uid: network.pod.uid, pings }],
    waysOut: [],
  });
});

it('takes no pings for those of a pod which were sent from elsewhere: any pod may take an address', () => {
  const elsewhere = { ...sent, namespaces: [{ inode: 7, pings }] };
  expect(of(present({ plan, sent: elsewhere }))?.fromPods).toEqual([]);
  expect(of(present({ plan, sent }), [])?.fromPods).toEqual([]);
  const lost = { ...plan, sources: [aCrossPod(1, { uid: network.pod.uid, address: '10.244.9.9' })] };
  expect(of(present({ plan: lost, sent }))?.fromPods).toEqual([]);
});

it('keeps, of all pods that could ping, only those that did, or two if none did', () => {
  const others = [7, 8, 9].map((number) => aCrossPod(number));
  const many = { ...plan, sources: [...others, ...plan.sources] };
  const kept = (result: ReturnType<typeof of>) =>
    result?.plan.status === 'planned' && result.plan.sources.map(({ uid }) => uid);
  expect(kept(of(present({ plan: many, sent })))).toEqual([network.pod.uid]);
  expect(kept(of(present({ plan: many, sent: { ...sent, namespaces: [] } })))).toEqual(['uid-7', 'uid-8']);
});

it('keeps of its own pods the first eight and those that sent, whatever else the node says it pinged', () => {
  const others = Array.from({ length: 40 }, (_, n) =>
    aCrossPod(1, { uid: `other-${n}`, address: `10.244.1.${100 + n}` }),
  );
  const many = { ...plan, sources: [...others, ...plan.sources] };
  const node = [address, ...others.map((other) => other.address)].map((each) => aPing(each));
  const result = of(present({ plan: many, sent: { ...sent, node } }));
  expect(result?.fromNode.map(({ target }) => target)).toEqual([
    address,
    ...others.slice(0, 8).map((other) => other.address),
  ]);
  expect(nodeCrossingSchema.safeParse(result).success).toBe(true);
});

it('keeps the pings of eight pods at most, as results with more cannot be read', () => {
  const networks = Array.from({ length: 9 }, (_, n) => {
    const pod = { ...network.pod, uid: `pod-${n}` };
    return { ...network, pod, namespace: 100 + n };
  });
  const sources = networks.map(({ pod: { uid } }) => aCrossPod(1, { uid, address }));
  const namespaces = networks.map((each) => ({ inode: each.namespace, pings }));
  const result = of(present({ plan: { ...plan, sources }, sent: { ...sent, namespaces } }), networks);
  expect(result?.fromPods.map(({ uid }) => uid)).toEqual(networks.slice(0, 8).map(({ pod }) => pod.uid));
});

it.each([
  { first: address, second: '10.244.1.77', whole: 32, all: '0.0.0.0/0' },
  { first: 'fd00:1::2', second: 'fd00:1::77', whole: 128, all: '::/0' },
])('says by which table and link the node sends for its pods, if by several: $all', (family) => {
  const { first, second, whole, all } = family;
  const [route] = host.routes;
  if (route === undefined) throw new Error('the node has no route');
  const from = (source: string, table: string, priority: number) =>
    aRule({ source: `${source}/${whole}`, table, priority });
  const stack = {
    ...host,
    rules: [...host.rules, from(second, '2', 1536), from(second, '3', 1600)],
    routes: [
      ...host.routes.filter(({ destination }) => destination !== '0.0.0.0/0'),
      { ...route, destination: all, table: '2', link: 'eth1' },
    ],
  };
  const sources = [first, second].map((each) => aCrossPod(7, { address: each }));
  const result = nodeCrossing({
    nodeName: 'node-1',
    crossing: present({ plan: { ...plan, sources }, sent }),
    podNetworks: present([network]),
    hostNetwork: present(stack),
  });
  expect(result?.waysOut).toEqual([
    { address: first, table: 'main', link: null },
    { address: second, table: '2', link: 'eth1' },
  ]);
});

it('is nothing where nobody asked, and says why where nothing could be read', () => {
  expect(of({ status: 'absent', reason: 'not asked for' })).toBeNull();
  expect(of({ status: 'failed', reason: 'active_cross hung' })?.unread).toBe('active_cross hung');
  expect(of(present({ plan, sent: null }))?.unread).toBe('the probe sent no pings to the next node');
  const none = { status: 'none', reason: 'one node only', alone: true } as const;
  expect(of(present({ plan: none, sent: null }))).toMatchObject({ plan: none, unread: null });
});
