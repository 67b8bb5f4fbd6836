import { describe, expect, it } from 'vitest';
import { serviceRulesDetached } from '../../../lib/checks/firewall/service-rules-detached.ts';
import type { PacketFilter, Route, Rule } from '../../../lib/model/network.ts';
import { aClusterDns, aHost, aHostStack, aRoute, context, failures } from '../evidence.ts';
import { serviceMaps } from './service-maps.ts';

const JUMP = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
const SERVICE =
  '-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp --dport 53 -j KUBE-SVC-TCOU7JCQXEZGVUNU';

/** The table nat of kube-proxy. */
function nat({
  prerouting = [JUMP],
  output = [JUMP.replace('PREROUTING', 'OUTPUT')],
  services = [SERVICE],
  postrouting = ['-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING'],
  masquerade = ['-A KUBE-POSTROUTING -j MASQUERADE --random-fully'],
  backend = 'iptables-legacy',
}: {
  prerouting?: string[];
  output?: string[];
  services?: string[];
  postrouting?: string[];
  masquerade?: string[];
  backend?: PacketFilter['backend'];
} = {}): PacketFilter {
  const builtIn = (name: string, rules: string[]) => ({
    name,
    hook: name.toLowerCase(),
    policy: 'accept',
    rules,
  });
  return {
    backend,
    tables: [
      {
        name: 'nat',
        chains: [
          builtIn('PREROUTING', prerouting),
          builtIn('OUTPUT', output),
          builtIn('POSTROUTING', postrouting),
          { name: 'KUBE-POSTROUTING', hook: null, policy: null, rules: masquerade },
          { name: 'KUBE-SERVICES', hook: null, policy: null, rules: services },
        ],
      },
    ],
  };
}

const aProcess = (command: string) => ({
  pid: 800,
  command,
  networkNamespace: null,
  pidNamespace: null,
  containerId: null,
});
const host = aHost();
const rest = { host, hostNetwork: aHostStack(), clusterDns: aClusterDns() };
const run = (...hostPacketFilters: PacketFilter[]) =>
  serviceRulesDetached.run({ ...rest, hostPacketFilters, processes: [aProcess('kube-proxy')] }, context);

describe('service-rules-detached', () => {
  it('passes rules that packets of pods and of the node reach, in the words of both backends', () => {
    expect(run(nat())[0]?.result).toBe('pass');
    const nft = ['counter packets 12 bytes 720 jump KUBE-SERVICES'];
    expect(run(nat({ backend: 'iptables-nft', prerouting: nft, output: nft }))[0]?.result).toBe('pass');
  });

  it('finds both jumps gone, as one finding with the rules that put them back', () => {
    const found = failures(run(nat({ prerouting: ['-A PREROUTING -j CALI-PREROUTING'], output: [] })));
    expect(found).toHaveLength(1);
    expect(found[0]?.detail).toContain('PREROUTING of table nat');
    expect(found[0]?.detail).toContain('OUTPUT of table nat');
    expect(found[0]?.remedy.flatMap(({ command }) => command ?? [])).toEqual([
      'iptables-legacy-save -t nat',
      "iptables-legacy -t nat -I PREROUTING -m comment --comment 'kubernetes service portals' -j KUBE-SERVICES",
      "iptables-legacy -t nat -I OUTPUT -m comment --comment 'kubernetes service portals' -j KUBE-SERVICES",
    ]);
  });

  it('finds one of them gone, and names that one alone', () => {
    const [found] = failures(run(nat({ prerouting: [], backend: 'iptables-nft' })));
    expect(found?.detail).not.toContain('OUTPUT');
    expect(found?.remedy.at(-1)?.command).toMatch(/^iptables -t nat -I PREROUTING /);
  });

  it('finds the way to the masquerade rules gone, which is less, as most Services answer', () => {
    const [found] = failures(run(nat({ postrouting: [] })));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toMatch(/^The chain KUBE-POSTROUTING has its rules.*: POSTROUTING of table nat/);
    expect(found?.remedy.at(-1)?.command).toBe(
      "iptables-legacy -t nat -I POSTROUTING -m comment --comment 'kubernetes postrouting rules' -j KUBE-POSTROUTING",
    );
    const both = failures(run(nat({ postrouting: [], output: [] })))[0];
    expect(both?.severity).toBeUndefined();
    expect(both?.detail).toContain('KUBE-SERVICES');
    expect(both?.detail).toContain('KUBE-POSTROUTING');
  });

  it('asks no rule to lead to masquerade rules that are not there', () => {
    expect(run(nat({ postrouting: [], masquerade: [] }))[0]?.result).toBe('pass');
  });

  it('finds a table that was flushed, whose chains are there and empty', () => {
    const flushed = nat({ prerouting: [], output: [], services: [], postrouting: [], masquerade: [] });
    const [found] = failures(run(flushed));
    expect(found?.detail).toContain('KUBE-SERVICES of table nat (iptables-legacy) is empty');
    expect(found?.remedy.at(-1)?.command).toBe('pkill -KILL -x kube-proxy');
    // Left empty by an earlier mode of kube-proxy.
    expect(run(flushed, serviceMaps())).toMatchObject([{ result: 'pass' }]);
    expect(failures(run(flushed, nat({ backend: 'ip6tables-nft' })))).toHaveLength(1);
    // What an earlier kube-proxy left in the other backend.
    expect(run(flushed, nat({ backend: 'iptables-nft' }))).toMatchObject([{ result: 'pass' }]);
  });

  it('judges IPv6 by itself', () => {
    const [found] = failures(run(nat(), nat({ backend: 'ip6tables-nft', output: [] })));
    expect(found?.remedy.at(-1)?.command).toMatch(/^ip6tables -t nat -I OUTPUT /);
  });

  it('does not mind the rules that an earlier kube-proxy left in the other backend', () => {
    const left = nat({ prerouting: [], output: [] });
    expect(run(nat({ backend: 'iptables-nft' }), left)[0]?.result).toBe('pass');
  });

  it('does not mind what is left where Cilium took the place of kube-proxy', () => {
    const hostPacketFilters = [nat({ prerouting: [], output: [] })];
    const judge = (...commands: string[]) =>
      serviceRulesDetached.run({ ...rest, hostPacketFilters, processes: commands.map(aProcess) }, context)[0]
        ?.result;
    expect(judge('cilium-agent')).toBe('notApplicable');
    expect(judge('k3s-server')).toBe('fail');
    // It may run with --disable-kube-proxy.
    expect(judge('k3s-server', 'cilium-agent')).toBe('unknown');
    expect(judge('kube-proxy', 'cilium-agent')).toBe('fail');
  });

  it('passes a kube-proxy that keeps its Services in maps of nftables', () => {
    expect(run(serviceMaps())).toMatchObject([{ result: 'pass' }]);
    // A cluster without IPv6 has the table of IPv6 as well, empty.
    const six = { name: 'ip6 kube-proxy', chains: [], maps: [{ name: 'service-ips', elements: [] }] };
    expect(run({ ...serviceMaps(), tables: [...serviceMaps().tables, six] })).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('goes by the mode whose rules are whole, beside what a kube-proxy of the other left', () => {
    const left = nat({ prerouting: [], output: [] });
    expect(run(serviceMaps(), left)).toMatchObject([{ result: 'pass' }]);
    expect(run(serviceMaps({ services: [] }), nat())).toMatchObject([{ result: 'pass' }]);
    expect(failures(run(serviceMaps({ services: [] }), left))[0]?.detail).toContain('somebody flushed them');
    const empty = nat({ prerouting: [], output: [], services: [], postrouting: [], masquerade: [] });
    expect(failures(run(serviceMaps({ natPrerouting: 'counter' }), empty))).toHaveLength(1);
  });

  it.each([
    ['to the Services', { natPrerouting: 'counter' }, 'nat-prerouting to services (table ip kube-proxy;'],
    ['to their map', { chainOfServices: 'counter' }, 'services to @service-ips (table ip kube-proxy;'],
  ])('finds that no rule of nftables leads %s', (_, changes, way) => {
    const [found] = failures(run(serviceMaps(changes)));
    expect(found?.detail).toContain(`No rule leads from ${way}`);
    expect(found?.severity).toBeUndefined();
    expect(found?.remedy.at(-1)?.command).toBe('pkill -KILL -x kube-proxy');
  });

  it('finds the way to the masquerade rules of nftables gone, which is less', () => {
    const [found] = failures(run(serviceMaps({ masquerade: 'counter' })));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toContain('nat-postrouting to masquerading');
  });

  it('finds a map of nftables that was flushed: every cluster has the Service of its API', () => {
    const [found] = failures(run(serviceMaps({ services: [] })));
    expect(found?.detail).toBe('No table of kube-proxy has a Service: somebody flushed them.');
  });

  it('finds that a node whose rules were all removed has none of a kube-proxy that runs', () => {
    const judge = (networkNamespace: number | null, uptimeSeconds = 86_400) =>
      serviceRulesDetached.run(
        {
          ...rest,
          host: aHost({ uptimeSeconds }),
          hostPacketFilters: [],
          processes: [{ ...aProcess('kube-proxy'), networkNamespace }],
        },
        context,
      );
    const [found] = failures(judge(host.networkNamespace));
    expect(found?.detail).toContain('the node has not one of its chains');
    expect(found?.remedy.at(-1)?.command).toBe('pkill -KILL -x kube-proxy');
    expect(found?.remedy.some(({ text }) => text.includes('log of kube-proxy'))).toBe(true);
    // It may still be about to write them.
    expect(judge(host.networkNamespace, 60)).toMatchObject([{ result: 'unknown' }]);
    // A cluster in containers has a kube-proxy of its own.
    expect(judge(host.networkNamespace + 1)).toMatchObject([{ result: 'notApplicable' }]);
    expect(judge(null)).toMatchObject([{ result: 'notApplicable' }]);
  });

  describe('a route of the node for the address of a Service', () => {
    const dns = { namespace: 'kube-system', name: 'kube-dns', addresses: ['10.96.0.10'], endpoints: 2 };
    const own = {
      family: 4,
      destination: null,
      inputLink: null,
      outputLink: null,
      detached: false,
      protocol: 'kernel',
      fwmark: null,
      drops: null,
    } as const;
    const RULES = [
      { ...own, priority: 0, source: 'all', table: 'local' },
      { ...own, priority: 32766, source: 'all', table: 'main' },
      { ...own, priority: 32767, source: 'all', table: 'default' },
    ];
    const judge = (routes: Route[], filter = nat(), rules: Rule[] = RULES, commands = ['kube-proxy']) =>
      serviceRulesDetached.run(
        {
          host,
          hostPacketFilters: [filter],
          processes: commands.map(aProcess),
          hostNetwork: aHostStack({ routes: [...aHostStack().routes, ...routes], rules }),
          clusterDns: aClusterDns({ services: [dns] }),
        },
        context,
      );
    const blackhole = aRoute({ type: 'blackhole', destination: '10.96.0.0/12', gateway: null, link: null });

    it('is found if it drops, as the node looks for it before it translates the address', () => {
      const [found] = failures(judge([blackhole]));
      expect(found).toMatchObject({ severity: 'high', object: { kind: 'node' } });
      expect(found?.detail).toContain(
        'send to Services: blackhole 10.96.0.0/12. Other pods are not affected.',
      );
      expect(found?.remedy[1]?.command).toBe('ip -4 route del blackhole 10.96.0.0/12 table main');
    });

    it.each([
      ['is to another network', [{ ...blackhole, destination: '10.98.0.0/16' }]],
      [
        'is behind another of a lower metric',
        [{ ...blackhole, metric: 100 }, aRoute({ destination: '10.96.0.0/12' })],
      ],
      ['is wider than another', [blackhole, aRoute({ destination: '10.96.0.0/16' })]],
      [
        'is behind an address of the node, as in mode ipvs',
        [blackhole, aRoute({ type: 'local', table: 'local', destination: '10.96.0.10/32' })],
      ],
      ['is in a table that is not asked', [{ ...blackhole, table: '77' }]],
    ])('is left alone if it %s', (_, routes) => {
      expect(judge(routes)).toMatchObject([{ result: 'pass' }]);
    });

    it('is not judged beside Cilium, which translates before a route is looked up', () => {
      expect(judge([blackhole], nat(), RULES, ['kube-proxy', 'cilium-agent'])).toMatchObject([
        { result: 'pass' },
      ]);
    });

    it('says nothing of it beside the greater fault', () => {
      const [found] = failures(judge([blackhole], nat({ output: [] })));
      expect(found?.detail).toContain('no rule leads there');
    });
  });

  describe('what is for the cluster DNS, sent elsewhere before', () => {
    const TAKES =
      '-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.53:53';
    const dns = (endpointAddresses: string[] | null = ['10.244.1.5']) =>
      aClusterDns({
        services: [
          {
            ...{ namespace: 'kube-system', name: 'kube-dns', addresses: ['10.96.0.10'], endpoints: 1 },
            endpointAddresses,
          },
        ],
      });
    const judged = (
      filter: PacketFilter,
      { clusterDns = dns(), processes = [aProcess('kube-proxy')] } = {},
    ) => serviceRulesDetached.run({ ...rest, clusterDns, hostPacketFilters: [filter], processes }, context);

    it.each([
      ['by iptables', nat({ prerouting: [TAKES, JUMP] })],
      [
        'as nft shows it',
        nat({
          backend: 'iptables-nft',
          prerouting: [
            'meta l4proto udp ip daddr 10.96.0.10 udp dport 53 counter dnat to 192.0.2.53:53',
            'counter jump KUBE-SERVICES',
          ],
          output: ['counter jump KUBE-SERVICES'],
          postrouting: ['counter jump KUBE-POSTROUTING'],
        }),
      ],
      [
        'whichever server a pod asks',
        nat({
          prerouting: ['-A PREROUTING -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.53', JUMP],
        }),
      ],
    ])('is found, and the rule is removed: %s', (_, filter) => {
      const [found, ...more] = failures(judged(filter));
      expect(more).toEqual([]);
      expect(found?.object).toMatchObject({ kind: 'node' });
      expect(found?.detail).toContain(
        'what is for kube-system/kube-dns (10.96.0.10) is sent to 192.0.2.53, which is no endpoint of it: PREROUTING: ',
      );
      expect([found?.severity, found?.confidence]).toEqual(['high', 'probable']);
      expect(found?.remedy.at(-1)?.command).toMatch(
        filter.backend === 'iptables-nft'
          ? /^nft -sa list chain ip nat PREROUTING .*nft delete rule ip nat PREROUTING handle$/
          : /^iptables-legacy -t nat -D PREROUTING .*--dport 53 -j DNAT --to-destination 192\.0\.2\.53/,
      );
    });

    it('is found in a chain to which all packets go, and then its program removes it', () => {
      const filter = nat({ prerouting: ['-A PREROUTING -j custom', JUMP] });
      filter.tables[0]?.chains.push({
        ...{ name: 'custom', hook: null, policy: null },
        rules: [TAKES.replace('PREROUTING', 'custom')],
      });
      const [found] = failures(judged(filter));
      expect(found?.detail).toContain('custom: -A custom -d 10.96.0.10/32');
    });

    it.each<readonly [string, PacketFilter]>([
      ['after the rules of Services', nat({ prerouting: [JUMP, TAKES] })],
      ...[
        // NodeLocal DNSCache, an endpoint, and what may be a DNS of the cluster: on the node, in its network, among pods.
        ...['169.254.20.10', '10.244.1.5', '10.0.3.7', '10.0.9.9', '10.244.7.7'],
      ].map((to) => [`to ${to}`, nat({ prerouting: [TAKES.replace('192.0.2.53', to), JUMP] })] as const),
      ...[
        ['-d 10.96.0.10/32', '-d 10.96.0.10/32 -s 10.244.1.9/32'],
        ['-d 10.96.0.10/32', '! -d 10.96.0.10/32'],
        ['-d 10.96.0.10/32', '-d 198.51.100.53/32'],
        ['--dport 53', '--dport 5353'],
        ['-m udp', '-m udp -m mark --mark 0x7'],
        ['-m udp', '-m udp -m addrtype --dst-type LOCAL'],
      ].map(
        ([from = '', to = '']) =>
          [`with ${to}`, nat({ prerouting: [TAKES.replace(from, to), JUMP] })] as const,
      ),
    ])('passes a rule that may be meant, or is about less: %s', (_, filter) => {
      expect(judged(filter)).toMatchObject([{ result: 'pass' }]);
    });

    it('passes where no endpoint is known, or an agent translates the address before', () => {
      const filter = nat({ prerouting: [TAKES, JUMP] });
      expect(judged(filter, { clusterDns: dns(null) })).toMatchObject([{ result: 'pass' }]);
      const processes = [aProcess('kube-proxy'), aProcess('cilium-agent')];
      expect(judged(filter, { processes })).toMatchObject([{ result: 'pass' }]);
    });
  });
});
