import { describe, expect, it } from 'vitest';
import { hostRouteStale } from '../../../lib/checks/routes/host-route-stale.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { NetworkStack, Peer } from '../../../lib/model/network.ts';
import { aHostLink, aNamespace, aPod, aRoute, aStack, context, failures } from '../evidence.ts';
import { aBridgePod, aCalicoPod, aCiliumPod, anAwsPod, aPtpPod } from '../layouts.ts';

type Needs = Pick<Sources, 'hostNetwork' | 'namespaces' | 'hiddenNamespaces' | 'pods'>;

function run(sources: Partial<Needs>) {
  const { network, host } = aCalicoPod();
  const stack = network.stack as NetworkStack;
  return hostRouteStale.run(
    {
      hostNetwork: host,
      namespaces: [aNamespace({ stack: { status: 'present', value: stack } })],
      hiddenNamespaces: [],
      pods: [network.pod],
      ...sources,
    },
    context,
  );
}

const empty = [aNamespace({ stack: { status: 'present', value: aStack({ addresses: [] }) } })];

describe('host-route-stale', () => {
  it('wants to see it twice', () => {
    expect(hostRouteStale.observations).toBe(2);
  });

  it.each([
    ['Calico', aCalicoPod],
    ['AWS VPC CNI', anAwsPod],
    ['ptp', aPtpPod],
  ])('passes the route of a pod that holds its address: %s', (_name, layout) => {
    const { network, host } = layout();
    const stack = network.stack as NetworkStack;
    const namespaces = [aNamespace({ stack: { status: 'present', value: stack } })];
    expect(run({ hostNetwork: host, namespaces, pods: [] })).toMatchObject([{ result: 'pass' }]);
  });

  it('does not look at routes that lead to no single pod', () => {
    expect(run({ hostNetwork: aBridgePod().host, namespaces: empty, pods: [] })).toEqual([]);
    expect(run({ hostNetwork: aCiliumPod().host, namespaces: empty, pods: [] })).toEqual([]);
  });

  it('finds a route to an address that nobody holds', () => {
    const [found] = failures(run({ namespaces: empty, pods: [] }));
    expect(found?.object).toEqual({
      kind: 'address',
      name: '10.244.77.5',
      node: 'node-1',
      path: 'cali0a1b2c3d4e5',
    });
    expect(found?.remedy.map((step) => step.command)).toEqual([
      'ip route get 10.244.77.5',
      'ip route del 10.244.77.5/32 dev cali0a1b2c3d4e5',
    ]);
  });

  it('lets the tool delete it, as it was found', () => {
    const { host } = aCalicoPod();
    const scoped = (scope: string | null) => ({
      ...host,
      routes: host.routes.map((route) => ({ ...route, scope })),
    });
    const repairOf = (scope: string | null) =>
      failures(run({ hostNetwork: scoped(scope), namespaces: empty, pods: [] }))[0]?.repair;
    const name = 'cali0a1b2c3d4e5';
    const link = { name, index: host.links.find((each) => each.name === name)?.index };
    expect(repairOf('link')).toEqual({
      kind: 'delete-routes',
      objects: [{ what: 'stale-route', link, address: '10.244.77.5', scope: 'link' }],
    });
    expect(repairOf(null)).toMatchObject({ objects: [{ scope: 'global' }] });
  });

  it.each(['kernel', 'static', null, undefined])('leaves one of protocol %s to a person', (protocol) => {
    const { host } = aCalicoPod();
    const routes = host.routes.map(({ protocol: _, ...route }) => ({
      ...route,
      ...(protocol === undefined ? {} : { protocol }),
    }));
    const [found] = failures(run({ hostNetwork: { ...host, routes }, namespaces: empty, pods: [] }));
    expect(found?.remedy.map((step) => step.command)).toContain(
      'ip route del 10.244.77.5/32 dev cali0a1b2c3d4e5',
    );
    expect(found?.repair).toBeNull();
  });

  it('does not know while a namespace was left out, which may hold the address', () => {
    const namespaces = [aNamespace({ stack: { status: 'absent', reason: 'left out' } })];
    expect(run({ namespaces, pods: [] })).toMatchObject([{ result: 'unknown' }]);
  });

  it('leaves an address alone that a pod has in the API, even one that is only starting or going', () => {
    expect(
      run({ namespaces: empty, pods: [aPod({ podIPs: ['10.244.77.5'], unsettled: 'terminating' })] }),
    ).toMatchObject([{ result: 'notApplicable' }]);
    const floating = aPod({ annotations: { 'cni.projectcalico.org/floatingIPs': '["10.244.77.5"]' } });
    expect(run({ namespaces: empty, pods: [floating] })).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('leaves the link of a hidden namespace to namespace-hidden', () => {
    const hidden = [
      { namespaceId: 4, links: ['cali0a1b2c3d4e5'], suspects: [], holders: [], socketsUnread: null },
    ];
    expect(run({ namespaces: empty, pods: [], hiddenNamespaces: hidden })).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });

  it('does not know when a namespace that may hold it could not be read', () => {
    const unread = [aNamespace({ stack: { status: 'failed', reason: 'hung' } })];
    expect(run({ namespaces: unread, pods: [] })).toMatchObject([{ result: 'unknown' }]);
    const { host } = aCalicoPod();
    const link = aHostLink({
      name: 'cali0a1b2c3d4e5',
      master: null,
      peer: { status: 'unknown', reason: 'no id', namespaceId: null },
    });
    const hostNetwork = { ...host, links: [link] };
    expect(run({ hostNetwork, namespaces: empty, pods: [] })).toMatchObject([{ result: 'unknown' }]);
  });

  it('leaves a link alone that came or went, or led to a namespace that did, while the node was read', () => {
    const { host } = aCalicoPod();
    const towards = (peer: Peer) => ({
      ...host,
      links: [aHostLink({ name: 'cali0a1b2c3d4e5', master: null, peer })],
    });
    const left: readonly Peer[] = [
      { status: 'unsettled' },
      { status: 'matched', namespace: 4026539999, index: 2, name: 'eth0' },
      { status: 'missing', namespace: 4026539999, index: 2 },
    ];
    for (const peer of left) {
      expect(run({ hostNetwork: towards(peer), namespaces: empty, pods: [] })).toMatchObject([
        { result: 'notApplicable' },
      ]);
    }
    const nowhere = towards({ status: 'missing', namespace: null, index: 2 });
    expect(failures(run({ hostNetwork: nowhere, namespaces: empty, pods: [] }))).toHaveLength(1);
  });

  it('does not take routes of foreign links for those of pods', () => {
    const { host } = aCalicoPod();
    const hostNetwork = {
      ...host,
      links: [aHostLink({ name: 'lan0', master: null })],
      routes: [aRoute({ destination: '10.244.77.5/32', gateway: null, link: 'lan0' })],
    };
    expect(run({ hostNetwork, namespaces: empty, pods: [] })).toEqual([]);
  });
});
