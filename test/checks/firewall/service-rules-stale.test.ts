import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serviceRulesStale } from '../../../lib/checks/firewall/service-rules-stale.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { parseIptablesSave, parseNftables } from '../../../lib/probe/parse/packet-filters.ts';
import { aClusterDns, context, failures } from '../evidence.ts';
import { apiElement, serviceMaps } from './service-maps.ts';

const DNS = '10.96.0.10';
const aChain = (name: string, ...rules: string[]) => ({ name, hook: null, policy: null, rules });
const services = aChain(
  'KUBE-SERVICES',
  '-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/kubernetes:https cluster IP" -m tcp --dport 443 -j KUBE-SVC-API',
  `-A KUBE-SERVICES -d ${DNS}/32 -p udp -m comment --comment "kube-system/kube-dns:dns cluster IP" -m udp --dport 53 -j KUBE-SVC-DNS`,
);
/** kube-proxy's tables, with endpoints of the cluster DNS. */
const legacy = (...endpoints: string[]): PacketFilter => ({
  backend: 'iptables-legacy',
  tables: [
    {
      name: 'nat',
      chains: [
        services,
        aChain(
          'KUBE-SVC-DNS',
          '-A KUBE-SVC-DNS ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p udp --dport 53 -j KUBE-MARK-MASQ',
          ...endpoints.map(
            (_, at) => `-A KUBE-SVC-DNS -m statistic --mode random --probability 0.5 -j KUBE-SEP-${at}`,
          ),
        ),
        ...endpoints.map((endpoint, at) =>
          aChain(
            `KUBE-SEP-${at}`,
            `-A KUBE-SEP-${at} -s ${endpoint}/32 -j KUBE-MARK-MASQ`,
            `-A KUBE-SEP-${at} -p udp -m udp -j DNAT --to-destination ${endpoint}:53`,
          ),
        ),
        aChain('KUBE-MARK-MASQ', '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000'),
      ],
    },
  ],
});
const nft = (dnat: string): PacketFilter => ({
  backend: 'iptables-nft',
  tables: [
    {
      name: 'nat',
      chains: [
        aChain(
          'KUBE-SERVICES',
          `meta l4proto udp ip daddr ${DNS}  udp dport 53 counter packets 0 bytes 0 jump KUBE-SVC-DNS`,
        ),
        aChain('KUBE-SVC-DNS', 'counter packets 0 bytes 0 jump KUBE-SEP-0'),
        aChain('KUBE-SEP-0', `meta l4proto udp counter packets 0 bytes 0 ${dnat}`),
      ],
    },
  ],
});
const aProcess = (command: string, containerId: string | null = null) => ({
  pid: 800,
  command,
  networkNamespace: null,
  pidNamespace: null,
  containerId,
});
const dns = (
  endpointAddresses: string[] | null = ['10.244.1.2', '10.244.2.2'],
  endpoints: number | null = 2,
  changes: Parameters<typeof aClusterDns>[0] = {},
) =>
  aClusterDns({
    services: [
      { namespace: 'kube-system', name: 'kube-dns', addresses: [DNS], endpoints, endpointAddresses },
    ],
    ...changes,
  });
const run = (
  filter: PacketFilter | readonly PacketFilter[],
  { clusterDns = dns(), process = 'kube-proxy', processes = [aProcess(process)] } = {},
) =>
  serviceRulesStale.run(
    { hostPacketFilters: [filter].flat(), processes, clusterDns, otherNodes: [] },
    context,
  );

describe('service-rules-stale', () => {
  it('passes rules that lead to endpoints, all or some of them, in the words of both backends', () => {
    for (const filter of [
      legacy('10.244.1.2', '10.244.2.2'),
      legacy('10.244.2.2'),
      nft('dnat to 10.244.1.2:53'),
    ])
      expect(run(filter)).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it.each([
    ['iptables', legacy('10.244.1.2', '10.244.9.9')],
    ['nftables', nft('dnat to 10.244.9.9:53')],
  ])('finds a rule of %s for an endpoint that is gone, and restarts kube-proxy', (_, filter) => {
    const [found] = failures(run(filter));
    expect(found?.detail).toBe(
      'Rules for kube-system/kube-dns (10.96.0.10) lead to 10.244.9.9, which is no endpoint of it.',
    );
    expect(found?.remedy.at(-1)?.command).toBe('pkill -KILL -x kube-proxy');
  });

  it('reads the maps of kube-proxy in its mode nftables', () => {
    expect(run(serviceMaps())).toMatchObject([{ result: 'pass' }]);
    expect(run([legacy(), serviceMaps()])).toMatchObject([{ result: 'notApplicable' }]);
    const [gone] = failures(run(serviceMaps({ endpoints: ['10.244.1.2', '10.244.9.9'] })));
    expect(gone?.detail).toBe(
      'Rules for kube-system/kube-dns (10.96.0.10) lead to 10.244.9.9, which is no endpoint of it.',
    );
    expect(gone?.remedy[0]?.command).toBe('nft list ruleset | grep -F 10.96.0.10');
    expect(failures(run(serviceMaps({ endpoints: [] })))[0]?.detail).toContain('lead to no endpoint');
    // As of Kubernetes 1.36.
    const inOneRule = (endpoint: string) =>
      `meta l4proto udp dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 53, 1 : ${endpoint} . 53 }`;
    expect(run(serviceMaps({ balance: inOneRule('10.244.2.2') }))).toMatchObject([{ result: 'pass' }]);
    expect(failures(run(serviceMaps({ balance: inOneRule('10.244.9.9') })))[0]?.detail).toContain(
      '10.244.9.9',
    );
    expect(failures(run(serviceMaps({ services: [apiElement] })))[0]?.detail).toBe(
      'The node has rules of other Services, and none for kube-system/kube-dns (10.96.0.10).',
    );
  });

  it('finds that other Services have rules, and the cluster DNS has none', () => {
    const [filter] = [legacy()];
    const without = {
      ...filter,
      tables: [{ name: 'nat', chains: [{ ...services, rules: services.rules.slice(0, 1) }] }],
    };
    expect(failures(run(without))[0]?.detail).toBe(
      'The node has rules of other Services, and none for kube-system/kube-dns (10.96.0.10).',
    );
    const local = {
      name: 'filter',
      chains: [aChain('KUBE-SERVICES', `-A KUBE-SERVICES -d ${DNS}/32 -j DROP`)],
    };
    expect(run({ ...without, tables: [...without.tables, local] })).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });

  it('finds rules that end in a chain without endpoints, unless they drop what has none here', () => {
    const [found] = failures(run(legacy()));
    expect(found?.detail).toBe('Rules for kube-system/kube-dns (10.96.0.10) lead to no endpoint.');
    expect(found?.evidence[0]).toMatchObject({ expected: '10.244.1.2, 10.244.2.2', actual: 'nowhere' });
    const tables = (...chains: ReturnType<typeof aChain>[]) => ({
      ...legacy(),
      tables: [{ name: 'nat', chains: [services, ...chains] }],
    });
    expect(run(tables(aChain('KUBE-SVC-DNS', '-A KUBE-SVC-DNS -j KUBE-MARK-DROP')))).toMatchObject([
      { result: 'notApplicable' },
    ]);
    expect(run(tables())).toMatchObject([{ result: 'unknown' }]);
  });

  it('reads IPv6 addresses in any form', () => {
    const filter: PacketFilter = {
      backend: 'ip6tables-legacy',
      tables: [
        {
          name: 'nat',
          chains: [
            aChain('KUBE-SERVICES', '-A KUBE-SERVICES -d fd00:10:96::a/128 -p udp -j KUBE-SVC-DNS'),
            aChain('KUBE-SVC-DNS', '-A KUBE-SVC-DNS -j KUBE-SEP-0'),
            aChain('KUBE-SEP-0', '-A KUBE-SEP-0 -p udp -j DNAT --to-destination [fd00:10:244::2]:53'),
          ],
        },
      ],
    };
    const clusterDns = aClusterDns({
      services: [
        {
          ...{ namespace: 'kube-system', name: 'kube-dns', addresses: ['fd00:10:96:0::A'], endpoints: 1 },
          endpointAddresses: ['fd00:10:244:0::2'],
        },
      ],
      kubelet: { servers: ['fd00:10:96::a'], domain: 'cluster.local' },
    });
    expect(run(filter, { clusterDns })).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['k3s-agent', 'systemctl restart k3s-agent'],
    ['k3s-server', 'systemctl restart k3s'],
    ['kubelite', 'snap restart microk8s.daemon-kubelite'],
  ])('restarts what kube-proxy runs in: %s', (process, line) => {
    expect(failures(run(legacy('10.244.9.9'), { process }))[0]?.remedy.at(-1)?.command).toBe(line);
  });

  it('restarts kube-proxy, whatever a process of a pod calls itself', () => {
    const ofPod = aProcess('kubelite', 'a'.repeat(64));
    const both = run(legacy('10.244.9.9'), { processes: [ofPod, aProcess('kube-proxy', 'b'.repeat(64))] });
    expect(failures(both)[0]?.remedy.at(-1)?.command).toBe('pkill -KILL -x kube-proxy');
    expect(run(legacy('10.244.9.9'), { processes: [ofPod] })).toMatchObject([
      { result: 'notApplicable', reason: 'kube-proxy does not run here' },
    ]);
  });

  it('does not know whose rules are out of date beside an agent that replaces kube-proxy, unless it runs', () => {
    const beside = (command: string) => ({ processes: [aProcess(command), aProcess('cilium-agent')] });
    expect(run(legacy('10.244.9.9'), beside('k3s-server'))).toMatchObject([
      {
        result: 'unknown',
        reason: 'k3s-server may run without kube-proxy, as an agent that replaces it runs here',
      },
    ]);
    expect(run(legacy('10.244.1.2'), beside('k3s-server'))).toMatchObject([{ result: 'pass' }]);
    expect(run(legacy('10.244.9.9'), beside('kube-proxy'))).toMatchObject([{ result: 'fail' }]);
  });

  it('does not judge where rules lead that nft does not show', () => {
    expect(run(nft('xt target "DNAT"'))).toMatchObject([{ result: 'notApplicable' }]);
    // Evidence of earlier probes: nft 1.0.6 ended the line where the target would stand.
    expect(run(nft(''))).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know what it could not compare with', () => {
    const rules = legacy('10.244.9.9');
    const because = (clusterDns: ReturnType<typeof dns>) => run(rules, { clusterDns });
    expect(because(dns(null, 1312))).toMatchObject([
      {
        result: 'unknown',
        reason: 'not all addresses of endpoints of kube-system/kube-dns were read',
      },
    ]);
    expect(because(dns(null, null))).toMatchObject([
      {
        result: 'unknown',
        reason: 'the endpoints of kube-system/kube-dns were not read: see the right to list EndpointSlices',
      },
    ]);
    const unlisted = dns([], 0, { services: null, servicesUnread: 'services is forbidden' });
    expect(because(unlisted)).toMatchObject([{ result: 'unknown', reason: 'services is forbidden' }]);
    // Without rules in iptables there is nothing to compare.
    expect(run([], { clusterDns: unlisted })).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not mind that rules are gone with the last endpoint since the run was planned', () => {
    const clusterDns = dns();
    const services = clusterDns.services?.map((service) => ({ ...service, endpointsAfter: 0 })) ?? [];
    expect(run(legacy(), { clusterDns: { ...clusterDns, services } })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('no ready endpoint') },
    ]);
  });

  it('judges each Service for DNS where the configuration of the kubelet was not read', () => {
    const clusterDns = dns(['10.244.1.2'], 1, { kubelet: null, kubeletUnread: 'it is part of k3s' });
    expect(run(legacy('10.244.9.9'), { clusterDns })).toMatchObject([{ result: 'fail' }]);
    expect(run(legacy('10.244.1.2'), { clusterDns })).toMatchObject([{ result: 'pass' }]);
  });

  it('says that it has no Service to judge where pods ask a cache on the node', () => {
    const given = (server: string) =>
      dns(['10.244.1.2'], 1, { kubelet: { servers: [server], domain: 'cluster.local' } });
    expect(run(legacy('10.244.9.9'), { clusterDns: given('169.254.20.10') })).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('NodeLocal DNSCache') },
    ]);
    expect(run(legacy('10.244.9.9'), { clusterDns: given('10.0.0.2') })).toMatchObject([
      { result: 'notApplicable', reason: 'the kubelet gives pods no nameserver that is a Service' },
    ]);
  });

  it('is not applicable without kube-proxy, its rules or ready endpoints, in mode ipvs, and with rules in both backends', () => {
    const ipvs = {
      ...legacy(),
      tables: [
        {
          name: 'nat',
          chains: [
            aChain('KUBE-SERVICES', '-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT'),
          ],
        },
      ],
    };
    for (const outcomes of [
      run(legacy('10.244.9.9'), { process: 'cilium-agent' }),
      run([]),
      run(legacy('10.244.9.9'), { clusterDns: dns([], 0) }),
      run(ipvs),
      run([legacy('10.244.9.9'), nft('dnat to 10.244.1.2:53')]),
    ])
      expect(outcomes).toMatchObject([{ result: 'notApplicable' }]);
  });

  describe('of any Service', () => {
    const WEB = 'KUBE-SVC-67NZLRHBNDSAWJRO';
    const recorded = () =>
      parseIptablesSave(
        readFileSync(new URL('./kube-proxy/iptables.save', import.meta.url), 'utf8'),
        'iptables-legacy',
      );
    const withChain = (name: string, change: (rules: string[]) => string[]): PacketFilter => ({
      ...recorded(),
      tables: recorded().tables.map((table) =>
        table.name !== 'nat'
          ? table
          : {
              ...table,
              chains: table.chains.map((chain) =>
                chain.name === name ? { ...chain, rules: change(chain.rules) } : chain,
              ),
            },
      ),
    });
    const fits = dns(['10.244.1.5', '10.244.2.5']);

    it('passes as kube-proxy writes them', () => {
      expect(run(recorded(), { clusterDns: fits })).toMatchObject([{ result: 'pass' }]);
    });

    it('finds a chain that was emptied, though it is not of the cluster DNS', () => {
      const [found, ...more] = failures(
        run(
          withChain(WEB, () => []),
          { clusterDns: fits },
        ),
      );
      expect(more).toEqual([]);
      expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
      expect(found?.detail).toBe(
        `Rules for shop/web:http (10.96.1.1) lead to no endpoint: ${WEB} has no rule for one.`,
      );
      expect(found?.confidence).toBe('confirmed');
      expect(found?.remedy.map(({ command }) => command)).toEqual([
        `iptables-legacy-save -t nat | grep -F ${WEB}`,
        'pkill -KILL -x kube-proxy',
      ]);
    });

    it('finds that no rule leads to a chain', () => {
      const [found] = failures(
        run(
          withChain('KUBE-SERVICES', (rules) => rules.filter((rule) => !rule.endsWith(WEB))),
          {
            clusterDns: fits,
          },
        ),
      );
      expect(found?.detail).toBe(`No rule leads to the rules for shop/web:http (10.96.1.1) in ${WEB}.`);
    });

    it('finds one of two ports of the cluster DNS', () => {
      const [found] = failures(
        run(
          withChain('KUBE-SVC-TCOU7JCQXEZGVUNU', () => []),
          { clusterDns: fits },
        ),
      );
      expect(found?.detail).toContain('Rules for kube-system/kube-dns:dns (10.96.0.10) lead to no endpoint');
    });

    it('names the cluster DNS where nft prints no comments, and another Service by its address', () => {
      const listing = readFileSync(new URL('./kube-proxy/iptables.nft', import.meta.url), 'utf8');
      const without = (chain: string) =>
        parseNftables(listing.replace(new RegExp(`^.*jump ${chain}\\n`, 'm'), ''));
      const [ofDns] = failures(run(without('KUBE-SVC-ERIFXISQEP7F7OF4'), { clusterDns: fits }));
      expect(ofDns?.detail).toContain(
        'No rule leads to the rules for kube-system/kube-dns (10.96.0.10) in KUBE',
      );
      const [ofWeb] = failures(run(without(WEB), { clusterDns: fits }));
      expect(ofWeb?.detail).toContain('No rule leads to the rules for 10.96.1.1 in KUBE');
    });

    it('is one finding together with an endpoint of the cluster DNS that is gone', () => {
      const outcomes = run(withChain(WEB, () => []));
      const [found, ...more] = failures(outcomes);
      expect(more).toEqual([]);
      expect(found?.detail).toMatch(
        /lead to 10\.244\.1\.5, 10\.244\.2\.5, which are no endpoints of it; Rules for shop\/web/,
      );
      expect(found?.confidence).toBe('probable');
    });

    it('finds it also where the API was not asked about Services', () => {
      const unread = { clusterDns: aClusterDns({ services: null, servicesUnread: 'not allowed' }) };
      expect(run(recorded(), unread)).toMatchObject([{ result: 'unknown', reason: 'not allowed' }]);
      expect(
        failures(
          run(
            withChain(WEB, () => []),
            unread,
          ),
        ),
      ).toHaveLength(1);
    });
  });
});
