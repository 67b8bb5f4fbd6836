import { describe, expect, it } from 'vitest';
import { awsMarkIncomplete } from '../../../lib/checks/aws/aws-mark-incomplete.ts';
import type { PacketFilter, Rule } from '../../../lib/model/network.ts';
import { context, failures } from '../evidence.ts';
import { aBridgePod } from '../layouts.ts';
import { aRule } from '../ways.ts';
import { asSaved, byNewNft, byNft, byPlainNft, type MarkRules, marking, ofNftables } from './marks.ts';
import { aPodOfEni, ruled } from './node.ts';

function run(
  filters: PacketFilter[],
  keep: (rule: Rule) => boolean = () => true,
  table: number | null = 2,
  more: readonly Rule[] = [],
) {
  const { network, host, rules } = aPodOfEni(table);
  return awsMarkIncomplete.run(
    {
      podNetworks: [network],
      hostNetwork: ruled(host, [...rules.filter(keep), ...more]),
      hostPacketFilters: filters,
    },
    context,
  );
}
const withoutRule = ({ priority }: Rule) => priority !== 1024;
const commands = (outcomes: ReturnType<typeof run>) =>
  failures(outcomes)[0]?.remedy.flatMap(({ purpose, command }) =>
    purpose === 'repair' && !command?.startsWith('kubectl') ? [command] : [],
  );
const printed: [string, MarkRules][] = [
  ['iptables-save', asSaved],
  ['nft', byNft],
  ['a newer nft', byNewNft],
  ['an nft without extensions', byPlainNft],
];
const withoutSnat = { jump: null, first: null, chain: [] };
const withoutNodePorts = { nodePorts: null, branches: null };

describe('aws-mark-incomplete', () => {
  it.each(printed)('passes a healthy node as %s prints it', (_, rules) => {
    expect(run(marking(rules))).toMatchObject([{ result: 'pass' }]);
    expect(run(marking({ ...rules, ...withoutSnat }))).toMatchObject([{ result: 'pass' }]);
    expect(run(marking({ ...rules, ...withoutNodePorts }))).toMatchObject([{ result: 'pass' }]);
  });

  describe('where nftables marks what leaves the VPC', () => {
    const snat = ['counter snat to 10.0.3.10 fully-random'];
    const filters = marking({ ...byNft, ...withoutSnat, snat });
    const without = (part: 'nat-prerouting' | 'snat-mark'): PacketFilter => ({
      ...ofNftables,
      tables: ofNftables.tables.map((table) => ({
        ...table,
        chains: table.chains.map((chain) => (chain.name === part ? { ...chain, rules: [] } : chain)),
      })),
    });

    it('passes', () => {
      expect(run([...filters, ofNftables])).toMatchObject([{ result: 'pass' }]);
    });

    it.each<[string, PacketFilter[]]>([
      ['the table', []],
      ['what leads to its chain', [without('nat-prerouting')]],
      ['what sets the mark', [without('snat-mark')]],
    ])('finds that %s is gone, which ipamd writes when it starts', (_, left) => {
      const outcomes = run([...filters, ...left]);
      expect(failures(outcomes)[0]?.detail).toContain(
        'There is no rule that marks what leaves the VPC, neither in AWS-CONNMARK-CHAIN-0 of iptables nor in aws-cni of nftables.',
      );
      expect(commands(outcomes)).toEqual([]);
    });

    it('does not expect it of versions that had a rule for each network instead', () => {
      const networks = aRule({
        ...{ priority: 1536, source: '10.0.3.99/32', destination: '10.0.0.0/16', table: '2' },
      });
      const old = [networks];
      expect(run(filters, ({ priority }) => priority !== 1536, 2, old)).toMatchObject([{ result: 'pass' }]);
      const unmarked = marking({ ...byNft, ...withoutSnat, ...withoutNodePorts, restores: null, snat });
      expect(run(unmarked, ({ priority }) => priority !== 1536 && priority !== 1024, 2, old)).toMatchObject([
        { result: 'notApplicable' },
      ]);
    });
  });

  it('does not judge a node that is set to mark nothing, nor other plugins', () => {
    const none = marking({ ...asSaved, ...withoutSnat, ...withoutNodePorts, restores: null });
    expect(run(none, withoutRule)).toMatchObject([{ result: 'notApplicable' }]);
    const { network, host } = aBridgePod();
    const other = { podNetworks: [network], hostNetwork: host, hostPacketFilters: marking(asSaved) };
    expect(awsMarkIncomplete.run(other, context)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not expect rules of iptables for IPv6, of which ipamd writes none', () => {
    const six = aRule({ family: 6, priority: 1024, fwmark: '0x80/0x80' });
    expect(run([], withoutRule, 2, [six])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it.each(printed.slice(0, 3))('finds that rule 1024 is gone, by the mark that %s prints', (_, rules) => {
    const outcomes = run(marking(rules), withoutRule);
    const [found] = failures(outcomes);
    expect(found?.severity ?? awsMarkIncomplete.severity).toBe('critical');
    expect(found?.detail).toBe(
      'There is no rule 1024, which leads packets with the mark 0x80 to it. What 1 pod of other ENIs (shop/web-1) should send by the first one leaves by their own.',
    );
    expect(commands(outcomes)).toEqual(['ip -4 rule add fwmark 0x80/0x80 lookup main priority 1024']);
  });

  it('has ipamd put the rule back where the mark is not known', () => {
    const outcomes = run(marking(byPlainNft), withoutRule);
    expect(failures(outcomes)[0]?.detail).toContain('the mark of the first ENI');
    expect(commands(outcomes)).toEqual([]);
    expect(failures(outcomes)[0]?.remedy.at(-1)?.command).toContain('k8s-app=aws-node');
  });

  it('does not take a rule for another mark, or one behind those of pods, for it', () => {
    const others = [
      aRule({ priority: 1000, fwmark: '0x4000/0x4000' }),
      aRule({ priority: 2000, fwmark: '0x80/0x80' }),
    ];
    expect(failures(run(marking(asSaved), withoutRule, 2, others))).toHaveLength(1);
  });

  it('takes a rule of another priority before those of pods for it', () => {
    expect(
      run(marking(asSaved), withoutRule, 2, [aRule({ priority: 1023, fwmark: '0x80/0x80' })]),
    ).toMatchObject([{ result: 'pass' }]);
  });

  it('is less severe while no pod is on another ENI', () => {
    const [found] = failures(run(marking(asSaved), withoutRule, 254));
    expect(found?.severity).toBe('high');
    expect(found?.detail).toContain('No pod is on another ENI yet.');
  });

  it.each(printed.slice(0, 3))(
    'finds a table mangle that was flushed, as %s prints what is left',
    (_, rules) => {
      const outcomes = run(marking({ ...rules, nodePorts: null, restores: null, branches: null }));
      expect(failures(outcomes)[0]?.detail).toContain(
        'There is no rule of table mangle that gives packets of eni+ the mark of their connection.',
      );
      const tool = rules === asSaved ? 'iptables-legacy' : 'iptables';
      expect(commands(outcomes)).toEqual([
        `${tool} -t mangle -A PREROUTING -i eni+ -m comment --comment 'AWS, primary ENI' -j CONNMARK --restore-mark --mask 0x80`,
      ]);
    },
  );

  it('knows the mark by rule 1024 where nothing else is left', () => {
    expect(commands(run(marking({ ...withoutSnat, ...withoutNodePorts, restores: null })))?.[0]).toContain(
      '--mask 0x80',
    );
  });

  it('finds that nothing marks what comes in for NodePorts', () => {
    expect(commands(run(marking({ ...byNft, nodePorts: null })))).toEqual([
      "iptables -t mangle -A PREROUTING -i eth0 -m comment --comment 'AWS, primary ENI' -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-mark 0x80/0x80",
    ]);
  });

  it('finds a chain without a rule that leads there, and keeps the order of the rules', () => {
    const restore = "PREROUTING -m comment --comment 'AWS, CONNMARK' -j CONNMARK --restore-mark --mask 0x80";
    const jump =
      "iptables -t nat -A PREROUTING -i eni+ -m comment --comment 'AWS, outbound connections' -j AWS-CONNMARK-CHAIN-0";
    expect(commands(run(marking({ ...byNft, jump: null })))).toEqual([
      `${jump} && iptables -t nat -D ${restore} && iptables -t nat -A ${restore}`,
    ]);
    expect(commands(run(marking({ ...byNft, jump: null, first: null })))).toEqual([
      jump,
      `iptables -t nat -A ${restore}`,
    ]);
  });
});
