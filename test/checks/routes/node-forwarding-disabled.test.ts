import { describe, expect, it } from 'vitest';
import { nodeForwardingDisabled } from '../../../lib/checks/routes/node-forwarding-disabled.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aHostStack, aPod, aPodNetwork, context, failures } from '../evidence.ts';
import { aCalicoPod, aCiliumPod, forwardedLayouts } from '../layouts.ts';

function run(sysctls: Record<string, string>, ...rest: (PodNetwork | NetworkStack)[]) {
  const podNetworks = rest.filter((each): each is PodNetwork => 'pod' in each);
  const [hostNetwork = aHostStack()] = rest.filter((each): each is NetworkStack => !('pod' in each));
  const kernel = {
    sysctls,
    neighbours: { ipv4: null, ipv6: null },
    conntrackEntries: null,
    namespaceObjects: null,
    blockedTasks: [],
  };
  return nodeForwardingDisabled.run({ kernel, podNetworks, hostNetwork }, context);
}

describe('node-forwarding-disabled', () => {
  it.each(forwardedLayouts)('passes a node of %s that forwards', (_name, layout) => {
    expect(run({ 'net.ipv4.ip_forward': '1' }, layout().network)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a node whose forwarding was turned off, once however many links that concerns', () => {
    const off = {
      'net.ipv4.ip_forward': '0',
      'net.ipv4.conf.cni0.forwarding': '0',
    };
    const [found, ...more] = failures(run(off, aPodNetwork(), aPodNetwork()));
    expect(more).toEqual([]);
    expect(found?.detail).toBe('net.ipv4.ip_forward is 0 (IPv4 of all links); 2 pods on the node need it.');
    expect(found?.remedy[0]?.command).toBe('sysctl -w net.ipv4.ip_forward=1');
  });

  it('finds that a single link does not forward, or does not answer for the gateway of Calico', () => {
    const on = { 'net.ipv4.ip_forward': '1' };
    expect(
      failures(run({ ...on, 'net.ipv4.conf.cni0.forwarding': '0' }, aPodNetwork()))[0]?.detail,
    ).toContain('cni0');
    const silent = { ...on, 'net.ipv4.conf.cali0a1b2c3d4e5.proxy_arp': '0' };
    expect(failures(run(silent, aCalicoPod().network))[0]?.detail).toContain(
      'nobody answers for the gateway',
    );
  });

  it('judges IPv6 where pods have it', () => {
    const dual = aPodNetwork({ pod: aPod({ podIPs: ['10.244.1.2', 'fd00::2'] }) });
    const sysctls = { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '0' };
    expect(failures(run(sysctls, dual))[0]?.detail).toContain('net.ipv6.conf.all.forwarding');
    expect(run(sysctls, aPodNetwork())).toMatchObject([{ result: 'pass' }]);
  });

  it('is not applicable where BPF forwards, and to a node without pods', () => {
    expect(run({ 'net.ipv4.ip_forward': '0' }, aCiliumPod().network)).toMatchObject([
      { result: 'notApplicable' },
    ]);
    expect(run({ 'net.ipv4.ip_forward': '0' })).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when the setting could not be read', () => {
    expect(run({}, aPodNetwork())).toMatchObject([{ result: 'unknown' }]);
  });

  it('finds that the uplink of the node does not forward what comes in for pods', () => {
    const [found] = failures(
      run({ 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.eth0.forwarding': '0' }, aPodNetwork()),
    );
    expect(found?.detail).toContain('net.ipv4.conf.eth0.forwarding is 0 (what comes in by eth0 for pods)');
    expect(found?.remedy[0]?.command).toBe('sysctl -w net.ipv4.conf.eth0.forwarding=1');
    // A link that leads to no pod and not out of the node carries no packets of pods.
    expect(
      run({ 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.docker0.forwarding': '0' }, aPodNetwork()),
    ).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the same on an uplink that is a VLAN, by the name that sysctl takes', () => {
    const host = aHostStack();
    const routes = host.routes.map((route) =>
      route.destination === '0.0.0.0/0' ? { ...route, link: 'bond0.100' } : route,
    );
    const sysctls = { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.bond0/100.forwarding': '0' };
    expect(failures(run(sysctls, aPodNetwork(), { ...host, routes }))[0]?.remedy[0]?.command).toBe(
      'sysctl -w net.ipv4.conf.bond0/100.forwarding=1',
    );
  });
});
