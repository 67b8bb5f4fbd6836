import { describe, expect, it } from 'vitest';
import { crossNodeUnreachable } from '../../../lib/checks/connectivity/cross-node-unreachable.ts';
import type { ClusterSources, Outcome } from '../../../lib/checks/define.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';
import { aCrossPod, aPing, lostAfter, nodeAddress, podAddress, ringOf, tunnelAddress } from './crossings.ts';

const run = (sources: Partial<ClusterSources>) => crossNodeUnreachable.run(clusterSources(sources), context);
const results = (outcomes: readonly Outcome[]) => outcomes.map(({ result }) => result);
const reasons = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => ('reason' in outcome ? [outcome.reason] : []));
const onNode = (check: string, number: number, detail = '') => ({
  ...{ check, detail },
  object: { kind: 'node', name: `node-${number}` } as const,
});
const onPod = (check: string, number: number) => ({
  ...{ check, detail: '' },
  object: { kind: 'pod', namespace: 'shop', name: `web-${number}`, node: `node-${number}` } as const,
});

describe('cross-node-unreachable', () => {
  it('needs pings, which nobody sends unless they are asked for', () => {
    expect(crossNodeUnreachable.active).toBe('cross');
    expect(run({})).toEqual([]);
  });

  it('passes nodes whose pods hear from those of the next', () => {
    expect(results(run(ringOf(3)))).toEqual(['pass', 'pass', 'pass']);
  });

  it('is one finding of the node before the lost hop, with what each of both ends saw', () => {
    const [found, ...others] = failures(run(ringOf(3, { 1: { ping: lostAfter(1) } })));
    expect(others).toEqual([]);
    expect(found).toMatchObject({ object: { kind: 'node', name: 'node-1' }, confidence: 'confirmed' });
    expect(found?.detail).toBe(
      'Pod shop/web-1 (10.244.1.5) on node-1 gets no answer from shop/web-2 (10.244.2.5) on node-2: its packets come as far as node-1 (10.0.3.1), so they are lost between the two, or where node-2 receives them, or nothing comes back from node-2. node-1 itself gets an answer, so only packets between pods are lost. Pods of node-2 do reach those of node-3.',
    );
    expect(found?.evidence).toContainEqual({
      what: 'ping of shop/web-2 from its node node-2',
      expected: 'an answer',
      actual: 'an answer',
      source: 'fping 10.244.2.5 (node node-2)',
    });
    expect(found?.evidence.map(({ what, actual }) => `${what}: ${actual}`)).toContain(
      'who answers at hop 1 from shop/web-1 to shop/web-2: 10.0.3.1',
    );
    expect(found?.remedy.every(({ purpose }) => purpose === 'look')).toBe(true);
  });

  it('repairs with the tools of the family', () => {
    const commands = (address: string) =>
      failures(
        run(
          ringOf(3, {
            1: { ping: { ...lostAfter(1), target: address }, target: { address } },
            2: { own: address },
          }),
        ),
      )
        .flatMap(({ remedy }) => remedy)
        .flatMap((step) => step.command ?? []);
    expect(commands('10.244.2.9')).toContain('timeout 20 tcpdump -nni any icmp and host 10.244.2.9');
    expect(commands('fd00:2::5')).toContain('timeout 20 tcpdump -nni any icmp6 and host fd00:2::5');
    expect(commands('fd00:2::5')).toContain("ip6tables-save -c | grep -E 'DROP|REJECT'");
    expect(commands('fd00:2::5').join()).not.toContain(' iptables-save');
  });

  it('says when the packets arrive at the other node, so that it or the way back loses them', () => {
    for (const address of [nodeAddress(2), tunnelAddress(2)]) {
      const ping = { answered: false, hops: ['10.0.3.1', address, ''] };
      const [found] = failures(run(ringOf(3, { 1: { ping } })));
      expect(found?.detail).toContain(
        `come as far as node-2 (${address}), so they are lost there, or the answers on their way back.`,
      );
    }
  });

  it('names a router between the two that is the last to answer', () => {
    const ping = { answered: false, hops: ['10.0.3.1', '192.0.2.9', ''] };
    const [found] = failures(run(ringOf(3, { 1: { ping } })));
    expect(found?.detail).toContain(
      'as far as 192.0.2.9, a router between the two, and nothing shows that they reach node-2.',
    );
  });

  it('repeats what a router answers instead', () => {
    const ping = { answered: false, refused: 'Host Unreachable from 10.0.3.254' };
    const [found] = failures(run(ringOf(3, { 1: { ping } })));
    expect(found?.detail).toContain('a router answers "Host Unreachable from 10.0.3.254" instead');
  });

  it('tells without hops, as with Cilium, by what the node and the pod hear from the other node', () => {
    const silent = { answered: false, hops: ['', '', ''] };
    const [found] = failures(run(ringOf(3, { 1: { ping: silent, fromNode: { [podAddress(2)]: false } } })));
    expect(found?.detail).toContain(
      'it gets one from node-2 itself (10.0.3.2), so only what is for pods there is lost. node-1 itself gets none either.',
    );
  });

  it('is unknown where not even the nodes answer each other, as pings alone may be dropped between groups', () => {
    const deaf = (own: number, next: number) => ({
      ping: lostAfter(own),
      fromNode: { [nodeAddress(next)]: false, [podAddress(next)]: false },
    });
    const outcomes = run(ringOf(4, { 2: deaf(2, 3), 4: deaf(4, 1) }));
    expect(results(outcomes)).toEqual(['pass', 'unknown', 'pass', 'unknown']);
    expect(reasons(outcomes)[0]).toContain('the nodes do not answer each other either');
    const pair = run(ringOf(4, { 2: deaf(2, 3), 3: deaf(3, 4) }));
    expect(results(pair)).toEqual(['pass', 'unknown', 'unknown', 'pass']);
  });

  it('is suspected where the nodes do not answer each other, and a finding about one is a cause', () => {
    const fromNode = { [nodeAddress(2)]: false, [podAddress(2)]: false };
    const found1 = [onNode('route-to-node-missing', 1)];
    const [found] = failures(run({ ...ringOf(3, { 1: { ping: lostAfter(1), fromNode } }), found: found1 }));
    expect(found).toMatchObject({ confidence: 'suspected' });
    expect(found?.detail).toContain('not even node-1 itself gets one from node-2 (10.0.3.2)');
  });

  it('is one finding of the node at which two silent ways meet', () => {
    const outcomes = run(ringOf(4, { 1: { ping: lostAfter(1) }, 2: { ping: lostAfter(2) } }));
    expect(results(outcomes)).toEqual(['notApplicable', 'fail', 'pass', 'pass']);
    expect(failures(outcomes)[0]?.detail).toMatch(
      /^Pod shop\/web-2 .* on node-2 .*web-3 .* on node-3: .* Pod shop\/web-1 .*web-2 .* on node-2: /,
    );
    expect(reasons(outcomes)).toEqual(['no answer from the next node: see the finding about node-2']);
  });

  it('is one finding of two nodes: that of the one whose packets do not arrive', () => {
    const arrives = { answered: false, hops: ['10.0.3.1', nodeAddress(2), ''] };
    const outcomes = run(ringOf(2, { 1: { ping: arrives }, 2: { ping: lostAfter(2) } }));
    expect(results(outcomes)).toEqual(['notApplicable', 'fail']);
    const [found] = failures(outcomes);
    expect(found).toMatchObject({ object: { name: 'node-2' }, confidence: 'probable' });
    expect(found?.detail).toMatch(
      /^Pod shop\/web-2 .* come as far as node-2 \(10\.0\.3\.2\), so they are lost between the two, or where node-1 receives them\. .* Pod shop\/web-1 .* come as far as node-2 \(10\.0\.3\.2\), so it is the answers that are lost\./,
    );
  });

  describe('where a node sends for its pods by several network interfaces, as on AWS', () => {
    const other = (number: number) => `10.244.${number}.77`;
    const ways = (number: number) => [
      { address: podAddress(number), table: 'main', link: 'eth0' },
      { address: other(number), table: '2', link: 'eth1' },
    ];
    /** Two pods of each node; `silent` has, of each pair that hears nothing, the source and the target. */
    function twoPodsEach(nodes: number, silent: readonly (readonly [string, string])[], changes = {}) {
      const { crossings, ...others } = ringOf(nodes, changes);
      const more = crossings.map((crossing, index) => {
        const number = index + 1;
        const next = (number % nodes) + 1;
        if (crossing.plan.status !== 'planned') throw new Error('no plan');
        const pings = (source: string) =>
          [podAddress(next), other(next)].map((target) =>
            silent.some(([from, to]) => from === source && to === target)
              ? aPing(target, { answered: false, hops: [nodeAddress(number), '', ''] })
              : aPing(target),
          );
        const second = { name: `other-${number}`, uid: `uid-other-${number}`, address: other(number) };
        const secondNext = { name: `other-${next}`, uid: `uid-other-${next}`, address: other(next) };
        return {
          ...crossing,
          plan: {
            ...crossing.plan,
            sources: [...crossing.plan.sources, aCrossPod(number, second)],
            targets: [...crossing.plan.targets, { ...aCrossPod(next, secondNext), stayed: true }],
          },
          fromNode: [...crossing.fromNode, aPing(other(next)), aPing(other(number))],
          fromPods: [
            { uid: `uid-${number}`, pings: pings(podAddress(number)) },
            { uid: `uid-other-${number}`, pings: pings(other(number)) },
          ],
          waysOut: ways(number),
        };
      });
      return { crossings: more, ...others };
    }
    const toSecondOf2 = [
      [podAddress(1), other(2)],
      [other(1), other(2)],
    ] as const;

    it('passes nodes of which each interface is heard', () => {
      expect(results(run(twoPodsEach(3, [])))).toEqual(['pass', 'pass', 'pass']);
      // One pair alone: by each of the interfaces something is heard.
      expect(results(run(twoPodsEach(3, [[podAddress(1), other(2)]])))).toEqual(['pass', 'pass', 'pass']);
    });

    it('finds the silence of one interface of the other node, though the other one answers', () => {
      const outcomes = run(twoPodsEach(3, toSecondOf2));
      expect(results(outcomes)).toEqual(['notApplicable', 'fail', 'pass']);
      expect(reasons(outcomes)).toEqual(['no answer from the next node: see the finding about node-2']);
      const [found] = failures(outcomes);
      expect(found).toMatchObject({ object: { name: 'node-2' }, confidence: 'probable' });
      expect(found?.detail).toContain(
        'Pod shop/web-1 (10.244.1.5) on node-1 gets no answer from shop/other-2 (10.244.2.77) on node-2: ',
      );
      expect(found?.detail).toContain(
        ' node-1 itself gets an answer. Pings fail for the one pod tried whose packets node-2 sends by eth1 (table 2), but not for those by eth0 (table main): shop/web-1 (10.244.1.5) gets an answer from shop/web-2 (10.244.2.5).',
      );
      expect(found?.evidence).toContainEqual({
        what: 'ping of shop/web-2 from shop/web-1',
        expected: 'an answer',
        actual: 'an answer',
        source: 'fping 10.244.2.5 (pod shop/web-1 on node-1)',
      });
    });

    it('finds the silence of one interface of its own', () => {
      const silent = [
        [other(1), podAddress(2)],
        [other(1), other(2)],
      ] as const;
      const [found] = failures(run(twoPodsEach(3, silent)));
      expect(found?.detail).toContain(
        'Pod shop/other-1 (10.244.1.77) on node-1 gets no answer from shop/web-2',
      );
      expect(found?.detail).toContain(
        'Pings fail for the one pod tried whose packets node-1 sends by eth1 (table 2), but',
      );
    });

    it('is one finding of the node whose interface it is, seen from both sides', () => {
      for (const nodes of [2, 3]) {
        const next = nodes === 2 ? 1 : 3;
        const both = [...toSecondOf2, [other(2), podAddress(next)], [other(2), other(next)]] as const;
        const found = failures(run(twoPodsEach(nodes, both)));
        expect(found.map(({ object }) => object.name)).toEqual(['node-2']);
      }
    });

    it('does not know of an interface of which each pod may have another reason to be silent', () => {
      const found = [
        {
          ...{ check: 'pod-interface-down', detail: '' },
          object: { kind: 'pod', namespace: 'shop', name: 'other-2', node: 'node-2' },
        },
      ] as const;
      const outcomes = run({ ...twoPodsEach(3, toSecondOf2), found });
      expect(results(outcomes)).toEqual(['pass', 'unknown', 'pass']);
      expect(reasons(outcomes)).toEqual([
        'inconclusive: shop/other-2 on node-2 has a fault of its own (pod-interface-down); no ping by eth1 (table 2) of node-2 is answered',
      ]);
    });

    it('does not know of its own interface either, of which the only pod may use another way', () => {
      const { crossings, ...others } = twoPodsEach(3, [
        [other(1), podAddress(2)],
        [other(1), other(2)],
      ]);
      const client = crossings.map((each) => ({
        ...each,
        plan: {
          ...each.plan,
          sources: each.plan.sources.map((source) =>
            source.address === other(1) ? { ...source, restricted: 'it is a VPN client' } : source,
          ),
        },
      }));
      const outcomes = run({ crossings: client, ...others });
      expect(results(outcomes)).toEqual(['unknown', 'pass', 'pass']);
      expect(reasons(outcomes)).toEqual([
        'inconclusive: no answer, but it is a VPN client; no ping by eth1 (table 2) of node-1 is answered',
      ]);
    });

    it('does not know of an interface if those that are heard may be of the same', () => {
      const { crossings, ...others } = twoPodsEach(3, toSecondOf2);
      const unlisted = crossings.map((each) => ({
        ...each,
        waysOut: each.waysOut.filter(({ table }) => table !== 'main'),
      }));
      const outcomes = run({ crossings: unlisted, ...others });
      expect(results(outcomes)).toEqual(['pass', 'unknown', 'pass']);
      expect(reasons(outcomes)[0]).toContain(
        'by which table node-2 sends for pods that get an answer is unknown',
      );
    });

    it('compares with pods of which it knows by which interface they are sent for', () => {
      const { crossings, ...others } = twoPodsEach(3, toSecondOf2);
      const first = aCrossPod(2, { name: 'first-2', uid: 'uid-first-2', address: '10.244.2.66' });
      const more = crossings.map((each) =>
        each.node === 'node-1' && each.plan.status === 'planned'
          ? {
              ...each,
              plan: { ...each.plan, targets: [{ ...first, stayed: true }, ...each.plan.targets] },
              fromPods: each.fromPods.map(({ uid, pings }) => ({
                uid,
                pings: [...pings, aPing(first.address)],
              })),
            }
          : each,
      );
      const [found] = failures(run({ crossings: more, ...others }));
      expect(found?.detail).toContain(
        'by eth0 (table main): shop/web-1 (10.244.1.5) gets an answer from shop/web-2',
      );
    });

    it('is one finding of the interface of each node, if two differ', () => {
      for (const nodes of [2, 3]) {
        const next = nodes === 2 ? 1 : 3;
        const silent = [
          [other(1), podAddress(2)],
          [other(1), other(2)],
          [other(2), podAddress(next)],
          ...(nodes === 2 ? [] : ([[other(2), other(next)]] as const)),
        ] as const;
        const both = nodes === 2 ? [...silent, [other(2), other(1)] as const] : silent;
        const found = failures(run(twoPodsEach(nodes, both)));
        expect(found.map(({ object }) => object.name)).toEqual(['node-1', 'node-2']);
      }
    });

    it('is none of the node that gets no answer from it, which hears nothing from the other side either', () => {
      const fromFirst = [podAddress(1), other(1)].flatMap((from) =>
        [podAddress(2), other(2)].map((to) => [from, to] as const),
      );
      const toSecondOf3 = [podAddress(2), other(2)].map((from) => [from, other(3)] as const);
      const found = failures(run(twoPodsEach(4, [...fromFirst, ...toSecondOf3])));
      expect(found.map(({ object }) => object.name)).toEqual(['node-1', 'node-3']);
    });

    it('leaves the fault of an interface of the next node at the cause that this node has', () => {
      const found = [onNode('node-forwarding-disabled', 1)];
      const outcomes = run({ ...twoPodsEach(3, toSecondOf2), found });
      expect(failures(outcomes).map(({ object }) => object.name)).toEqual(['node-1']);
    });

    it('repeats no control characters and no long names from the node', () => {
      const { crossings, ...others } = twoPodsEach(3, toSecondOf2);
      const table = `2\u001b[31m\nFORGED ${'y'.repeat(5000)}`;
      const named = crossings.map((each) => ({
        ...each,
        waysOut: each.waysOut.map((way) => (way.table === '2' ? { ...way, table, link: table } : way)),
      }));
      const [found] = failures(run({ crossings: named, ...others }));
      expect(found?.detail).toContain('2 [31m FORGED yyy');
      expect(found?.detail).not.toMatch(/\p{Cc}/u);
      expect(found?.detail).not.toContain('y'.repeat(60));
    });

    it('says nothing about pods for which the node sends alike', () => {
      const { crossings, ...others } = twoPodsEach(3, toSecondOf2);
      const alike = crossings.map((each) => ({ ...each, waysOut: [] }));
      expect(results(run({ crossings: alike, ...others }))).toEqual(['pass', 'pass', 'pass']);
    });
  });

  it('is a finding of the node with a known cause, so that it is shown as part of it', () => {
    const silent = ringOf(2, { 1: { ping: lostAfter(1) }, 2: { ping: lostAfter(2) } });
    for (const number of [1, 2]) {
      const found = [onNode('route-to-node-missing', number)];
      expect(failures(run({ ...silent, found })).map(({ object }) => object.name)).toEqual([
        `node-${number}`,
      ]);
    }
    // No cause of what is between nodes.
    const found = [onNode('namespace-orphaned', 2)];
    expect(failures(run({ ...silent, found })).map(({ object }) => object.name)).toEqual(['node-1']);
  });

  it.each([
    ['what pods send', 0],
    ['what pods send to pods of other nodes', 0],
    ['ARP packets of pods', 0],
    ['what pods send to other pods of the node', 1],
    ['what the node sends to its pods', 1],
    ['all UDP that pods send', 1],
    ['a part of what pods send', 1],
  ])('explains silence by a firewall of the next node that drops %s: %i findings remain', (what, remain) => {
    const detail = `The node's FORWARD chain (iptables-nft) drops ${what}: policy DROP of FORWARD, and no rule`;
    const found = [onNode('node-firewall-drops', 2, detail)];
    const outcomes = run({ ...ringOf(3, { 1: { ping: lostAfter(1) } }), found });
    expect(failures(outcomes)).toHaveLength(remain);
  });

  it('takes a finding about a link of the node for a cause too', () => {
    const silent = ringOf(2, { 1: { ping: lostAfter(1) }, 2: { ping: lostAfter(2) } });
    const link = { kind: 'link', name: 'cni0', node: 'node-2' } as const;
    const found = [{ check: 'bridge-address-stale', detail: '', object: link }];
    expect(failures(run({ ...silent, found })).map(({ object }) => object.name)).toEqual(['node-2']);
  });

  it('takes as long per node in a large cluster as in a small one', () => {
    const cost = (nodes: number) => {
      const lost = Array.from({ length: nodes / 2 }, (_, n) => [2 * n + 1, { ping: lostAfter(2 * n + 1) }]);
      const ring = ringOf(nodes, Object.fromEntries(lost));
      const found = Array.from({ length: nodes * 4 }, (_, n) => onPod('pod-dns-failing', n));
      // Of this process, not of the clock: other programs may run.
      const start = process.cpuUsage();
      expect(failures(run({ ...ring, found }))).toHaveLength(nodes / 2);
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    cost(500);
    // 16 times as many: in a loop within a loop, some 256 times as long.
    expect(cost(8000)).toBeLessThan(80 * Math.max(cost(500), 1000));
  });

  it('leaves it at the cause where only the other node has one', () => {
    const found = [onNode('node-forwarding-disabled', 2)];
    const outcomes = run({ ...ringOf(3, { 1: { ping: lostAfter(1) } }), found });
    expect(failures(outcomes)).toEqual([]);
    expect(reasons(outcomes)).toEqual([
      'no answer from node-2, which node-forwarding-disabled of that node explains',
    ]);
  });

  it.each<[string, Parameters<typeof ringOf>[1], string]>([
    [
      'a network policy may concern the pod that is asked',
      { 1: { ping: lostAfter(1), target: { restricted: 'there are network policies in shop' } } },
      'inconclusive: no answer, but there are network policies in shop',
    ],
    [
      'a network policy may concern the pod that asks',
      { 1: { ping: lostAfter(1), source: { restricted: 'network policies are unknown: 403' } } },
      'inconclusive: no answer, but network policies are unknown: 403',
    ],
    [
      'the pod left meanwhile',
      { 1: { ping: lostAfter(1), target: { stayed: false } } },
      'inconclusive: shop/web-2 on node-2 did not stay',
    ],
    [
      'its own node does not reach the pod that asks',
      { 1: { ping: lostAfter(1), fromNode: { [podAddress(1)]: false } } },
      'inconclusive: node-1 does not reach shop/web-1 itself: --active ping tells more',
    ],
    [
      'its own node does not reach the pod that is asked',
      { 1: { ping: lostAfter(1) }, 2: { fromNode: { [podAddress(2)]: false } } },
      'inconclusive: node-2 does not reach shop/web-2 itself: --active ping tells more',
    ],
  ])('is unknown where %s', (_why, changes, reason) => {
    const outcomes = run(ringOf(3, changes));
    expect(results(outcomes)).toEqual(['unknown', 'pass', 'pass']);
    expect(reasons(outcomes)).toEqual([reason]);
  });

  it('passes an answer, whatever might have excused silence', () => {
    const target = { restricted: 'there are network policies in shop', stayed: false };
    expect(results(run(ringOf(3, { 1: { target } })))).toEqual(['pass', 'pass', 'pass']);
  });

  it('is unknown where a pod has a fault of its own, but not where look-ups of names fail: these are symptoms', () => {
    const silent = ringOf(3, { 1: { ping: lostAfter(1) } });
    for (const number of [1, 2])
      expect(reasons(run({ ...silent, found: [onPod('pod-interface-down', number)] }))[0]).toContain(
        `shop/web-${number} on node-${number} has a fault of its own (pod-interface-down)`,
      );
    expect(failures(run({ ...silent, found: [onPod('pod-dns-failing', 1)] }))).toHaveLength(1);
  });

  it('is unknown where the other node does not say how it is there', () => {
    const { crossings, ...others } = ringOf(3, { 1: { ping: lostAfter(1) } });
    const without = crossings.filter(({ node }) => node !== 'node-2');
    expect(reasons(run({ ...others, crossings: without }))).toEqual([
      'inconclusive: no answer, and node-2 does not say how it is there',
    ]);
    const unread = crossings.map((each) =>
      each.node === 'node-2' ? { ...each, unread: 'active_cross hung', fromNode: [], fromPods: [] } : each,
    );
    expect(reasons(run({ ...others, crossings: unread }))).toEqual([
      'inconclusive: no answer, and node-2 does not say how it is there',
      'active_cross hung',
    ]);
  });

  it('needs the other node to have reached the pod: some pods answer no ping at all', () => {
    const { crossings, ...others } = ringOf(3, { 1: { ping: lostAfter(1) } });
    const withoutOwn = crossings.map((each) => ({
      ...each,
      fromNode: each.fromNode.filter(({ target }) => target !== podAddress(2) || each.node === 'node-1'),
    }));
    expect(reasons(run({ crossings: withoutOwn, ...others }))).toEqual([
      'inconclusive: node-2 did not ping shop/web-2 itself',
    ]);
  });

  it('is unknown where no node hears from another: a firewall may drop all pings', () => {
    const deaf = (number: number) => {
      const next = (number % 3) + 1;
      return {
        ping: lostAfter(number),
        fromNode: { [nodeAddress(next)]: false, [podAddress(next)]: false },
      };
    };
    const outcomes = run(ringOf(3, { 1: deaf(1), 2: deaf(2), 3: deaf(3) }));
    expect(results(outcomes)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(reasons(outcomes)[0]).toContain('a firewall may drop all pings');
  });

  it('does not apply to a node whose next has no pod, which yet speaks for its own pods', () => {
    const { crossings, ...others } = ringOf(3, { 1: { ping: lostAfter(1) } });
    const alone = crossings.map((each) =>
      each.node === 'node-2' && each.plan.status === 'planned'
        ? { ...each, plan: { ...each.plan, targets: [] }, fromPods: [] }
        : each,
    );
    const outcomes = run({ ...others, crossings: alone });
    expect(results(outcomes)).toEqual(['fail', 'notApplicable', 'pass']);
    expect(reasons(outcomes)).toEqual(['not tried: node-3 has no pod to ping that runs and is settled']);
  });

  it('says why nothing was tried', () => {
    const none = (reason: string, alone: boolean) => ({
      node: 'node-1',
      addresses: [],
      plan: { status: 'none', reason, alone } as const,
      unread: null,
      fromNode: [],
      fromPods: [],
      waysOut: [],
    });
    const alone = run({ crossings: [none('not tried: the run has one node only', true)] });
    expect(results(alone)).toEqual(['notApplicable']);
    expect(reasons(alone)).toEqual(['not tried: the run has one node only']);
    const empty = run({ crossings: [none('not tried: node-2 has no pod', false)] });
    expect(results(empty)).toEqual(['unknown']);
  });
});
