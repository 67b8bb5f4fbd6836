import { describe, expect, it } from 'vitest';
import { gatewayLinkBroken } from '../../../lib/checks/path/gateway-link-broken.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aHostStack, aLink, anAddress, aPodNetwork, aRoute, context, failures } from '../evidence.ts';
import { aCiliumPod } from '../layouts.ts';

const DEVICE = 'cilium_host';
const { network } = aCiliumPod();
const out = aRoute({ gateway: '10.0.3.1' });
const own = aRoute({ destination: '10.244.1.0/24', gateway: '10.244.1.200', link: DEVICE });
const addresses = [anAddress({ address: '10.0.3.7' }), anAddress({ link: DEVICE, address: '10.244.1.200' })];
const links = [aLink({ peer: null }), aLink({ index: 4, name: DEVICE, peer: null })];
const down = [aLink({ peer: null }), aLink({ index: 4, name: DEVICE, peer: null, up: false })];

const run = (changes: Partial<NetworkStack> = {}, podNetworks = [network]) => {
  const hostNetwork = aHostStack({ links, addresses, routes: [out, own], ...changes });
  return gatewayLinkBroken.run({ podNetworks, hostNetwork }, context);
};

describe('gateway-link-broken', () => {
  it('passes a node whose route leads to cilium_host, or to the link of each endpoint', () => {
    expect(run()).toMatchObject([{ result: 'pass' }]);
    const link = network.hostLink?.name ?? null;
    const endpoint = aRoute({ destination: '10.244.1.77/32', gateway: null, link });
    expect(run({ routes: [out, endpoint], links: down })).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the link down, and sets it up again', () => {
    const [found] = failures(run({ links: down, routes: [out] }));
    expect(found?.detail).toBe(
      'cilium_host is down, and its routes with it: what the node sends or forwards to its 1 pod is lost.',
    );
    const commands = found?.remedy.map(({ command = '' }) => command) ?? [];
    expect(commands[1]).toBe('ip link set cilium_host up');
    expect(commands[2]).toContain('-l k8s-app=cilium');
  });

  it.each<[string, Partial<NetworkStack>, string]>([
    ['gone', { links: links.slice(0, 1), routes: [out] }, 'cilium_host is gone'],
    ['without its address', { addresses: addresses.slice(0, 1), routes: [out] }, 'has lost its address'],
    ['without its route', { routes: [out] }, '"default via 10.0.3.1 dev eth0" takes what is for'],
    ['without any route', { routes: [] }, 'No route of the node leads to its pods, such as 10.244.1.77'],
  ])('finds the link %s, which the agent restores', (_, changes, words) => {
    const [found] = failures(run(changes));
    expect(found?.detail).toContain(words);
    expect(found?.remedy.map(({ purpose }) => purpose)).toEqual(['look', 'repair']);
  });

  it('finds a narrower route that drops what is for a pod, and removes it', () => {
    const hole = aRoute({ type: 'blackhole', destination: '10.244.1.0/25', gateway: null, link: null });
    const [found] = failures(run({ routes: [out, own, hole] }));
    expect(found?.detail).toContain('"blackhole 10.244.1.0/25" takes what is for');
    expect(found?.remedy[1]?.command).toBe('ip route del blackhole 10.244.1.0/25');
  });

  it('judges no node whose plugin has no such link', () => {
    expect(run({ routes: [] }, [aPodNetwork()])).toMatchObject([{ result: 'notApplicable' }]);
  });
});
