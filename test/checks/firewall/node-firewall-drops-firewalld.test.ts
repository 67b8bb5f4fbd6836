import { describe, expect, it } from 'vitest';
import { nodeFirewallDrops } from '../../../lib/checks/firewall/node-firewall-drops.ts';
import {
  aClusterDns,
  aHostStack,
  aKernel,
  aNode,
  aPodNetwork,
  aRoute,
  context,
  failures,
} from '../evidence.ts';
import { aFilter } from './filters.ts';

const refused = 'reject with icmpx admin-prohibited';

type Setup = {
  readonly trusted?: readonly string[];
  readonly log?: readonly string[];
  /** The directions in which zones let ICMP through. */
  readonly icmp?: readonly string[];
};

/**
 * The rules of firewalld 1.3 as `nft list ruleset` prints them: the uplink is in zone "public", and `trusted` are
 * senders in zone "trusted".
 */
function firewalld({ trusted = [], log = [], icmp = ['IN'] }: Setup) {
  const begins = [
    'ct state { established, related } accept',
    'ct status dnat accept',
    'iifname "lo" accept',
    ...log,
    'ct state invalid drop',
  ];
  const zone = (direction: string, allowed: readonly string[]) => ({
    [`filter_${direction}_public`]: {
      rules: [
        `jump filter_${direction}_policies_pre`,
        `jump filter_${direction}_public_deny`,
        `jump filter_${direction}_public_allow`,
        ...(icmp.includes(direction) ? ['meta l4proto { icmp, ipv6-icmp } accept'] : []),
        refused,
      ],
    },
    [`filter_${direction}_policies_pre`]: { rules: [] },
    [`filter_${direction}_public_deny`]: { rules: [] },
    [`filter_${direction}_public_allow`]: { rules: allowed },
    [`filter_${direction}_trusted`]: { rules: ['accept'] },
  });
  const zones = (direction: string) => ({
    rules: [
      ...trusted.map((network) => `ip saddr ${network} goto filter_${direction}_trusted`),
      `iifname "eth0" goto filter_${direction}_public`,
      `goto filter_${direction}_public`,
    ],
  });
  return aFilter('nftables', 'inet firewalld', {
    filter_INPUT: {
      hook: 'input',
      policy: 'accept',
      rules: [...begins, 'jump filter_INPUT_ZONES', refused],
    },
    filter_FORWARD: {
      hook: 'forward',
      policy: 'accept',
      rules: [
        ...begins,
        'ip6 daddr { ::/96, ::ffff:0.0.0.0/96, 2002::/24 } reject with icmpv6 addr-unreachable',
        'jump filter_FORWARD_ZONES',
        refused,
      ],
    },
    filter_OUTPUT: {
      hook: 'output',
      policy: 'accept',
      rules: ['ct state { established, related } accept', 'oifname "lo" accept'],
    },
    filter_INPUT_ZONES: zones('IN'),
    filter_FORWARD_ZONES: zones('FWD'),
    ...zone('IN', ['tcp dport 22 accept', 'tcp dport 10250 accept']),
    ...zone('FWD', ['oifname "eth0" accept']),
  });
}

const toOthers = aRoute({ destination: '10.244.2.0/24', gateway: '192.168.1.12', link: 'eth0' });

function judged(filter: ReturnType<typeof firewalld>, hasOthers = true) {
  const { routes, ...host } = aHostStack();
  return nodeFirewallDrops.run(
    {
      podNetworks: [aPodNetwork()],
      hostNetwork: { ...host, routes: hasOthers ? [...routes, toOthers] : routes },
      hostPacketFilters: [filter],
      otherNodes: hasOthers
        ? [aNode({ name: 'node-2', addresses: ['192.168.1.12'], podCIDRs: ['10.244.2.0/24'] })]
        : [],
      clusterDns: aClusterDns(),
      kernel: aKernel(),
    },
    context,
  );
}

describe('node-firewall-drops of firewalld', () => {
  it('finds that its zones refuse what pods of other nodes send, and lets it trust the pods', () => {
    const [found] = failures(judged(firewalld({})));
    expect(found?.detail).toContain(
      "The node's chain filter_FORWARD of table inet firewalld (nftables) drops what pods of other nodes send to pods " +
        `of this one: ${refused}`,
    );
    expect(found?.remedy[1]).toMatchObject({
      purpose: 'repair',
      // Where firewalld owns its table, nft may not write there.
      command:
        'firewall-cmd --zone=trusted --add-source=10.244.0.0/16 || ' +
        'nft insert rule inet firewalld filter_FORWARD ip saddr 10.244.0.0/16 accept',
    });
    expect(found?.remedy[2]?.text).toContain('--zone=trusted --add-source=10.244.0.0/16');
  });

  it('passes where the addresses of pods are trusted, or all that another zone may hold', () => {
    expect(judged(firewalld({ trusted: ['10.244.0.0/16'] }))).toMatchObject([{ result: 'pass' }]);
    expect(judged(firewalld({ trusted: ['@kubernetes'] }))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds what lets pings through and no TCP, as zones of older versions do', () => {
    const [found] = failures(judged(firewalld({ icmp: ['IN', 'FWD'] })));
    expect(found?.detail).toContain('drops all TCP that pods of other nodes send to pods of this one: ');
  });

  it('passes where nothing comes from pods of other nodes', () => {
    expect(judged(firewalld({}), false)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the same where it writes to the log what it drops', () => {
    const log = ['ct state invalid log prefix "STATE_INVALID_DROP: "'];
    expect(failures(judged(firewalld({ log })))).toHaveLength(1);
  });
});
