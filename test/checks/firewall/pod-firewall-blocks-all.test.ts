import { describe, expect, it } from 'vitest';
import { podFirewallBlocksAll } from '../../../lib/checks/firewall/pod-firewall-blocks-all.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { aPod, aPodNetwork, aSandbox, aStack, context, failures } from '../evidence.ts';
import { aFilter, inputRules, meshes, nftInputRules, withFilters } from './filters.ts';

function run(network: PodNetwork) {
  return podFirewallBlocksAll.run({ podNetworks: [network] }, context);
}

function withAdmin(role: 'app' | 'init') {
  return aPod({ containers: aPod().containers.map((container) => ({ ...container, role, netAdmin: true })) });
}

describe('pod-firewall-blocks-all', () => {
  it('passes a pod without rules, and one of each known mesh', () => {
    expect(run(aPodNetwork())).toMatchObject([{ result: 'pass' }]);
    for (const [, filter] of meshes) expect(run(withFilters([filter]))).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['a drop of everything', inputRules('-A INPUT -j DROP')],
    [
      'a refusal with a comment',
      inputRules(
        '-A INPUT -m comment --comment "to be -j ACCEPT" -j REJECT --reject-with icmp-port-unreachable',
      ),
    ],
    ["a drop of all on the pod's interface", inputRules('-A INPUT -i eth0 -j DROP')],
    ['a drop of all but loopback', inputRules('-A INPUT ! -i lo -j DROP')],
    ['loopback let through, the rest not', inputRules('-A INPUT -i lo -j ACCEPT', '-A INPUT -j DROP')],
    ["a drop of all to the pod's address", inputRules('-A INPUT -d 10.244.1.2/32 -j DROP')],
    ['a log before the drop', inputRules('-A INPUT -j LOG', '-A INPUT -p tcp -j DROP', '-A INPUT -j DROP')],
    ['nft: a drop of everything', nftInputRules('counter drop')],
    ['nft: with counters', nftInputRules('counter packets 12 bytes 900 drop')],
    ['nft: a refusal', nftInputRules(' counter reject with icmp port-unreachable')],
    ["nft: a drop on the pod's interface", nftInputRules('iifname "eth0" counter drop')],
    [
      'a chain of its own that drops',
      aFilter('iptables-nft', 'filter', {
        OUTPUT: { hook: 'output', policy: 'ACCEPT', rules: ['-A OUTPUT -j MINE'] },
        MINE: { rules: ['-A MINE -j DROP'] },
      }),
    ],
    [
      'a policy',
      aFilter('iptables-legacy', 'filter', { OUTPUT: { hook: 'output', policy: 'DROP', rules: [] } }),
    ],
    [
      'nft: a policy',
      aFilter('nftables', 'inet mine', {
        out: { hook: 'output', policy: 'drop', rules: ['oifname "lo" accept'] },
      }),
    ],
  ])('finds %s', (_name, filter) => {
    expect(failures(run(withFilters([filter])))).toHaveLength(1);
  });

  it('says which direction and by which rule, and keeps the rules before the pod goes', () => {
    const [found] = failures(run(withFilters([inputRules('-A INPUT -j DROP')])));
    expect(found?.detail).toBe(
      'Everything that comes in is dropped inside the pod: filter INPUT: -A INPUT -j DROP.',
    );
    expect(found?.remedy.map((step) => step.command)).toEqual([
      '{ nsenter --net=/run/netns/cni-1 iptables-save; nsenter --net=/run/netns/cni-1 iptables-legacy-save; nsenter --net=/run/netns/cni-1 nft list ruleset; } > rules-of-web-1.txt 2>&1',
      'kubectl delete pod -n shop web-1',
    ]);
  });

  it.each([
    ['single ports are dropped', inputRules('-A INPUT -p tcp -m tcp --dport 22 -j DROP')],
    [
      'something is accepted before',
      inputRules('-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT', '-A INPUT -j DROP'),
    ],
    [
      'answers are accepted',
      inputRules('-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-A INPUT -j DROP'),
    ],
    ['nft: answers are accepted', nftInputRules('ct state established counter accept', 'counter drop')],
    ['nft: one source is dropped', nftInputRules('ip saddr 10.9.9.9 counter drop')],
    ['an unknown target decides', inputRules('-A INPUT -j NFQUEUE --queue-num 0', '-A INPUT -j DROP')],
    [
      'only forwarding is closed',
      aFilter('iptables-legacy', 'filter', { FORWARD: { hook: 'forward', policy: 'DROP', rules: [] } }),
    ],
    [
      'only IPv6 is closed, and the pod has none',
      aFilter('ip6tables-legacy', 'filter', { INPUT: { hook: 'input', policy: 'DROP', rules: [] } }),
    ],
    [
      'a chain returns',
      aFilter('nftables', 'ip filter', {
        INPUT: { hook: 'input', policy: 'accept', rules: ['counter jump MINE'] },
        MINE: { rules: ['counter return', 'counter drop'] },
      }),
    ],
    [
      'chains go in circles',
      aFilter('nftables', 'ip filter', {
        INPUT: { hook: 'input', policy: 'accept', rules: ['jump A'] },
        A: { rules: ['jump A'] },
      }),
    ],
  ])('passes when %s', (_name, filter) => {
    expect(run(withFilters([filter]))).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a pod alone that may write rules itself, but not one whose init container might have', () => {
    const filters = [inputRules('-A INPUT -j DROP')];
    expect(run(withFilters(filters, { pod: withAdmin('app') }))).toMatchObject([{ result: 'notApplicable' }]);
    expect(failures(run(withFilters(filters, { pod: withAdmin('init') })))).toHaveLength(1);
  });

  it('is not applicable to runtimes that keep the network themselves', () => {
    const network = withFilters([inputRules('-A INPUT -j DROP')], {
      sandbox: aSandbox({ runtimeHandler: 'runsc' }),
    });
    expect(run(network)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when namespace or rules could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))).toMatchObject([{ result: 'unknown' }]);
    const stack = aStack({ packetFiltersFailed: 'nft: exit 1' });
    expect(run(aPodNetwork({ stack }))).toMatchObject([{ result: 'unknown', reason: 'nft: exit 1' }]);
  });
});
