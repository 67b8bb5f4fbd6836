import { describe, expect, it } from 'vitest';
import { nodeForwardingDisabled } from '../../../lib/checks/routes/node-forwarding-disabled.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { NetworkStack, PacketFilter, Rule } from '../../../lib/model/network.ts';
import { aPodOfEni, ruled } from '../aws/node.ts';
import { aHostStack, anAddress, aPod, aPodNetwork, aRoute, context, failures } from '../evidence.ts';
import { aFilter } from '../firewall/filters.ts';
import { aCalicoPod, aCiliumPod, anAwsPod, aPtpPod, forwardedLayouts } from '../layouts.ts';

function run(sysctls: Record<string, string>, ...rest: (PodNetwork | NetworkStack)[]) {
  return runWith([], sysctls, ...rest);
}

function runWith(
  hostPacketFilters: PacketFilter[],
  sysctls: Record<string, string>,
  ...rest: (PodNetwork | NetworkStack)[]
) {
  const podNetworks = rest.filter((each): each is PodNetwork => 'pod' in each);
  const [hostNetwork = aHostStack()] = rest.filter((each): each is NetworkStack => !('pod' in each));
  const kernel = {
    sysctls,
    neighbours: { ipv4: null, ipv6: null },
    conntrackEntries: null,
    namespaceObjects: null,
    blockedTasks: [],
  };
  return nodeForwardingDisabled.run({ kernel, podNetworks, hostNetwork, hostPacketFilters }, context);
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

  it('finds it off where the kernel masquerades for Cilium, also for a single pod or on the uplink', () => {
    const rules = ['-A CILIUM_POST_nat -s 10.244.1.0/24 ! -d 10.244.0.0/16 ! -o cilium_+ -j MASQUERADE'];
    const masquerades = aFilter('iptables-nft', 'nat', { CILIUM_POST_nat: { rules } });
    const { network } = aCiliumPod();
    const [found] = failures(runWith([masquerades], { 'net.ipv4.ip_forward': '0' }, network));
    expect(found?.detail).toContain('net.ipv4.ip_forward is 0 (IPv4 of all links); 1 pod');
    for (const link of [network.hostLink?.name, 'eth0']) {
      const name = `net.ipv4.conf.${link}.forwarding`;
      const off = { [name]: '0', 'net.ipv4.ip_forward': '1' };
      const [of, ...more] = failures(runWith([masquerades], off, network));
      expect(of?.remedy[0]?.command).toBe(`sysctl -w ${name}=1`);
      expect(of?.detail).toContain('; 1 pod');
      expect(more).toEqual([]);
      expect(runWith([], off, network)).toMatchObject([{ result: 'notApplicable' }]);
    }
    expect(runWith([], { 'net.ipv4.ip_forward': '0' }, network)).toMatchObject([{ result: 'notApplicable' }]);
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

  it('takes proxy_arp of all links for that of each', () => {
    const silent = { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.cali0a1b2c3d4e5.proxy_arp': '0' };
    expect(run({ ...silent, 'net.ipv4.conf.all.proxy_arp': '1' }, aCalicoPod().network)).toMatchObject([
      { result: 'pass' },
    ]);
  });

  describe('the reverse path of the first ENI (AWS VPC CNI)', () => {
    const filtering = (all: string, eth0: string) => ({
      'net.ipv4.ip_forward': '1',
      'net.ipv4.conf.all.rp_filter': all,
      'net.ipv4.conf.eth0.rp_filter': eth0,
    });
    const ofEni = (table: number, keep: (rule: Rule) => boolean = () => true) => {
      const { network, host, rules } = aPodOfEni(table);
      const routes = [...host.routes, aRoute({ gateway: '10.0.3.1', link: 'eth0' })];
      return [network, ruled({ ...host, routes }, rules.filter(keep))] as const;
    };

    it.each([
      ['0', '1', '1'],
      ['1', '0', '0, and that of all links 1'],
      ['1', '1', '1'],
    ])('finds that it is strict: all %s, eth0 %s', (all, eth0, actual) => {
      const [found, ...more] = failures(run(filtering(all, eth0), ...ofEni(2)));
      expect(more).toEqual([]);
      expect(found?.severity ?? nodeForwardingDisabled.severity).toBe('critical');
      expect(found?.detail).toBe(
        `net.ipv4.conf.eth0.rp_filter is ${actual} (what comes in by eth0 for pods of other ENIs is dropped); 1 pod on the node needs it.`,
      );
      expect(found?.evidence).toMatchObject([{ expected: '2', actual }]);
      expect(found?.remedy[0]?.command).toBe('sysctl -w net.ipv4.conf.eth0.rp_filter=2');
    });

    it('is less severe while no pod is on another ENI', () => {
      expect(failures(run(filtering('0', '1'), ...ofEni(254)))[0]).toMatchObject({
        severity: 'high',
        detail: expect.stringContaining('; 0 pods on the node need it.'),
      });
    });

    it.each<[string, ReturnType<typeof run>]>([
      ['is loose', run(filtering('0', '2'), ...ofEni(2))],
      ['is loose by the greater of both', run(filtering('1', '2'), ...ofEni(2))],
      ['is off', run(filtering('0', '0'), ...ofEni(2))],
      ['was not read', run({ 'net.ipv4.ip_forward': '1' }, ...ofEni(2))],
      [
        'is strict where nothing comes in there for others',
        run(filtering('0', '1'), ...ofEni(2, ({ priority }) => priority !== 1024)),
      ],
      [
        'is strict where there is no other ENI',
        run(filtering('0', '1'), ...ofEni(254, ({ priority }) => priority !== 32765)),
      ],
      ['is strict on a node of another plugin', run(filtering('1', '1'), aPodNetwork())],
    ])('is right where it %s', (_, outcomes) => {
      expect(outcomes.map(({ result }) => result)).toEqual(['pass']);
    });
  });

  describe('ARP of the node', () => {
    const ignoring = (all: string, cni0 = '0') => ({
      'net.ipv4.ip_forward': '1',
      'net.ipv4.conf.all.arp_ignore': all,
      'net.ipv4.conf.cni0.arp_ignore': cni0,
      'net.ipv4.conf.veth1.arp_ignore': '0',
      'net.ipv4.conf.eth0.arp_ignore': '8',
    });

    it.each([
      ['all', ignoring('8')],
      ['cni0', ignoring('1', '8')],
    ])('finds that it answers nobody who asks for the gateway, by %s', (part, sysctls) => {
      const [found, ...more] = failures(run(sysctls, aPodNetwork(), aPodNetwork()));
      expect(more).toEqual([]);
      expect(found?.detail).toBe(
        `net.ipv4.conf.${part}.arp_ignore is 8 (nobody answers for the gateway on cni0); 2 pods on the node need it.`,
      );
      expect(found?.remedy[0]?.command).toBe(`sysctl -w net.ipv4.conf.${part}.arp_ignore=0`);
      expect(found?.repair).toBeNull();
    });

    it('names both settings where both are to blame', () => {
      expect(failures(run(ignoring('8', '8'), aPodNetwork()))[0]?.evidence.map(({ what }) => what)).toEqual([
        'net.ipv4.conf.all.arp_ignore',
        'net.ipv4.conf.cni0.arp_ignore',
      ]);
    });

    // The greater of both counts, and only 2 and 8 leave anybody without an answer.
    it.each([['0'], ['1'], ['2'], ['3'], ['9', '8']])(
      'passes arp_ignore %s where pods are in a subnet',
      (...values) => {
        expect(run(ignoring(...(values as [string])), aPodNetwork())).toMatchObject([{ result: 'pass' }]);
      },
    );

    it('finds that it answers only those in a subnet, which no pod of ptp is', () => {
      const { network, host: stack } = aPtpPod();
      const host = {
        ...stack,
        addresses: [anAddress({ link: 'veth12345678', address: '10.244.1.1', prefixLength: 32 })],
      };
      expect(run(ignoring('1'), network, host)).toMatchObject([{ result: 'pass' }]);
      expect(failures(run(ignoring('2'), network, host))[0]?.detail).toContain('arp_ignore is 2');
    });

    it('counts only where the node has the gateway and is asked for it', () => {
      for (const layout of [aCalicoPod(), anAwsPod()])
        expect(run(ignoring('8'), layout.network, layout.host)).toMatchObject([{ result: 'pass' }]);
      const withoutGateway = { ...aHostStack(), addresses: [] };
      expect(run(ignoring('8'), aPodNetwork(), withoutGateway)).toMatchObject([{ result: 'pass' }]);
    });

    const silent = (host: NetworkStack, name: string | undefined) => ({
      ...host,
      links: host.links.map((link) => (link.name === name ? { ...link, arp: false } : link)),
    });

    it('finds that the bridge has none, unless its pods have another gateway', () => {
      const host = silent(aHostStack(), 'cni0');
      const [found] = failures(run(ignoring('0'), aPodNetwork(), host));
      expect(found?.detail).toContain('ARP on cni0 is off');
      expect(found?.remedy[0]?.command).toBe('ip link set cni0 arp on');
      expect(run(ignoring('0'), aPodNetwork(), { ...host, addresses: [] })).toMatchObject([
        { result: 'pass' },
      ]);
      // A bridge takes no notice of the flag of its ports.
      expect(
        run(ignoring('0'), aPodNetwork(), silent(aHostStack(), aPodNetwork().hostLink?.name)),
      ).toMatchObject([{ result: 'pass' }]);
    });

    it.each([
      ['ptp', aPtpPod],
      ['Calico', aCalicoPod],
      ['AWS', anAwsPod],
    ])('finds that the link of a pod of %s has none', (_, layout) => {
      const { network, host } = layout();
      const [found] = failures(run(ignoring('0'), network, silent(host, network.hostLink?.name)));
      expect(found?.detail).toContain(`ARP on ${network.hostLink?.name} is off`);
    });
  });

  it('counts only the pods that it concerns', () => {
    const off = { 'net.ipv4.ip_forward': '1', 'net.ipv4.conf.cali0a1b2c3d4e5.forwarding': '0' };
    expect(failures(run(off, aCalicoPod().network, aPodNetwork()))[0]?.detail).toMatch(
      /; 1 pod on the node needs it\.$/,
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
