import { describe, expect, it } from 'vitest';
import { crossPlan } from '../../lib/audit/crossing.ts';
import { NO_NETWORK_POLICIES } from '../../lib/model/crossing.ts';
import type { NodeRoutes } from '../../lib/model/node-routes.ts';
import { lostAfter, nodeAddress, ringOf } from '../checks/connectivity/crossings.ts';
import { aPod } from '../checks/evidence.ts';
import { conclude, failureOf, resultOf } from './nodes.ts';

/** Three nodes: the pods of the first hear nothing from those of the second, and these nothing from those of the third. */
function resultsWith(failures: Readonly<Record<number, ReturnType<typeof failureOf>[]>> = {}) {
  const { crossings, podAddresses, nodeRoutes } = ringOf(3, {
    1: { ping: lostAfter(1) },
    2: { ping: lostAfter(2) },
  });
  return crossings.map((crossing, index) =>
    resultOf(crossing.node, {
      crossing,
      podAddresses: podAddresses.slice(index, index + 1),
      nodeRoutes: nodeRoutes[index] ?? null,
      pods: [`shop/web-${index + 1}`],
      failures: failures[index + 1] ?? [],
    }),
  );
}

const crossed = ({ findings }: ReturnType<typeof conclude>) =>
  findings.filter(({ check }) => check === 'cross-node-unreachable');

it('pods of a node that neither reach others nor are reached are one finding of the node', () => {
  const report = conclude(resultsWith());
  expect(crossed(report).map(({ object, partOf }) => ({ object, partOf }))).toEqual([
    { object: { kind: 'node', name: 'node-2' }, partOf: null },
  ]);
});

it('a cause that was read wins, and what the pings showed is part of it', () => {
  const cause = failureOf('node-forwarding-disabled', { kind: 'node', name: 'node-2' });
  const report = conclude(resultsWith({ 2: [cause] }));
  const found = report.findings.find(({ check }) => check === 'node-forwarding-disabled');
  expect(crossed(report)).toMatchObject([{ partOf: found?.fingerprint }]);
  expect(report.findings).toHaveLength(2);
});

it('a firewall that drops other packets explains neither silence nor a default route that is gone', () => {
  const dropping = (what: string) => ({
    ...failureOf('node-firewall-drops', { kind: 'node', name: 'node-2' }),
    detail: `The node's FORWARD chain (iptables-nft) drops ${what}: policy DROP of FORWARD`,
  });
  const route = failureOf('node-default-route-missing', { kind: 'node', name: 'node-2' });
  const partOf = (what: string, check: string) => {
    const { findings } = conclude(
      resultsWith({ 2: [dropping(what), ...(check === route.check ? [route] : [])] }),
    );
    const cause = findings.find((finding) => finding.check === 'node-firewall-drops');
    return findings.some((finding) => finding.check === check && finding.partOf === cause?.fingerprint);
  };
  expect(partOf('what pods send to pods of other nodes', 'cross-node-unreachable')).toBe(true);
  expect(partOf('what pods send to other pods of the node', 'cross-node-unreachable')).toBe(false);
  expect(partOf('ARP packets of pods', route.check)).toBe(false);
});

it('a cause that only a comparison of nodes shows wins as well', () => {
  const wrong = { address: nodeAddress(1), mac: '02:de:ad:00:00:02', link: 'eth0', shared: false };
  const { crossings, podAddresses, nodeRoutes } = ringOf(2, {
    1: { ping: lostAfter(1) },
    2: { ping: lostAfter(2) },
  });
  const results = crossings.map((crossing, index) =>
    resultOf(crossing.node, {
      crossing,
      podAddresses: podAddresses.slice(index, index + 1),
      nodeRoutes: {
        ...(nodeRoutes[index] as NodeRoutes),
        macs: [`02:00:00:00:03:0${index + 1}`],
        neighbours: index === 1 ? [wrong] : [],
      },
      pods: [`shop/web-${index + 1}`],
    }),
  );
  const report = conclude(results);
  const cause = report.findings.find(({ check }) => check === 'neighbour-of-node-wrong');
  expect(cause?.object.name).toBe('node-2');
  expect(crossed(report)).toMatchObject([{ object: { name: 'node-2' }, partOf: cause?.fingerprint }]);
});

it('look-ups that fail on the node are part of it', () => {
  const symptom = failureOf('pod-dns-failing', {
    kind: 'pod',
    namespace: 'shop',
    name: 'web-2',
    node: 'node-2',
  });
  const report = conclude(resultsWith({ 2: [symptom] }));
  const [cause] = crossed(report);
  expect(report.findings.find(({ check }) => check === 'pod-dns-failing')?.partOf).toBe(cause?.fingerprint);
});

describe('an earlier finding', () => {
  /** Five nodes, of which the last has no pod of its own network, so that it and the fourth ping nobody. */
  const cluster = (changes: Parameters<typeof ringOf>[1] = {}) => {
    const { crossings, podAddresses, nodeRoutes } = ringOf(5, changes);
    return crossings.map((crossing, index) =>
      resultOf(crossing.node, {
        crossing: index < 3 ? crossing : { ...nobodyOn(crossing.node), plan: without(index === 3) },
        podAddresses: podAddresses.slice(index, index + 1),
        nodeRoutes: nodeRoutes[index] ?? null,
      }),
    );
  };
  const without = (isNext: boolean) => {
    const own = { own: isNext ? [pod] : [], next: isNext ? [] : [pod] };
    return crossPlan(own, { name: 'node-5', addresses: [nodeAddress(5)] }, choice);
  };
  const pod = { ...aPod(), ready: true, podIPs: ['10.244.4.5'], startedAt: '2026-11-01T00:00:00Z' };
  const choice = { policies: NO_NETWORK_POLICIES, settleSeconds: 300, now: Date.UTC(2026, 10, 20) };
  const nobodyOn = (node: string) => ({
    node,
    addresses: [],
    unread: null,
    fromNode: [],
    fromPods: [],
    waysOut: [],
  });
  const broken = () => conclude(cluster({ 1: { ping: lostAfter(1) }, 2: { ping: lostAfter(2) } }));
  const resolved = (report: ReturnType<typeof conclude>) => report.resolved.map(({ object }) => object.name);

  it('is resolved when the node hears from the next, though nodes without pods ping nobody', () => {
    expect(resolved(conclude(cluster(), broken(), { day: 2 }))).toEqual(['node-2']);
  });

  it('stays while the node hears nobody, is not asked, or only some nodes are audited', () => {
    const silent = {
      2: { ping: lostAfter(2), target: { restricted: 'there are network policies in shop' } },
    };
    expect(resolved(conclude(cluster(silent), broken(), { day: 2 }))).toEqual([]);
    const unasked = cluster().map((result) =>
      result.node === 'node-2' ? { ...result, crossing: null } : result,
    );
    expect(resolved(conclude(unasked, broken(), { day: 2 }))).toEqual([]);
    expect(resolved(conclude(cluster().slice(0, 3), broken(), { day: 2, scope: 'part' }))).toEqual([]);
  });

  it('is reported when two runs see it, as an agent or a node may be restarting', () => {
    const once = conclude(cluster({ 1: { ping: lostAfter(1) } }), conclude(cluster()), { day: 1 });
    expect(crossed(once).map(({ state }) => state)).toEqual(['pending']);
    const twice = conclude(cluster({ 1: { ping: lostAfter(1) } }), once, { day: 2 });
    expect(crossed(twice).map(({ state }) => state)).toEqual(['new']);
  });

  it('is gone with its node', () => {
    const others = cluster().filter(({ node }) => node !== 'node-2');
    expect(resolved(conclude(others, broken(), { day: 2 }))).toEqual(['node-2']);
  });
});

it('a node speaks for itself only, whatever name it gives itself', () => {
  const results = resultsWith().map((result) =>
    result.node === 'node-3' && result.crossing != null
      ? { ...result, crossing: { ...result.crossing, node: 'node-1' } }
      : result,
  );
  expect(crossed(conclude(results)).map(({ object }) => object.name)).toEqual(['node-2']);
});
