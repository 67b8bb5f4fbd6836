import { describe, expect, it } from 'vitest';
import { podFirewallUnexpected } from '../../../lib/checks/firewall/pod-firewall-unexpected.ts';
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import { aPod, aPodNetwork, aSandbox, aStack, context, failures } from '../evidence.ts';
import { aFilter, inputRules, meshes, nftInputRules, withFilters } from './filters.ts';

function run(network: PodNetwork) {
  return podFirewallUnexpected.run({ podNetworks: [network] }, context);
}

describe('pod-firewall-unexpected', () => {
  it('passes a pod without rules, and one with the empty chains that a mere look leaves behind', () => {
    expect(run(aPodNetwork())).toMatchObject([{ result: 'pass' }]);
    expect(run(withFilters([inputRules()]))).toMatchObject([{ result: 'pass' }]);
  });

  it.each(meshes)('passes the rules of %s', (_name, filter) => {
    expect(run(withFilters([filter]))).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['iptables', inputRules('-A INPUT -p tcp -m tcp --dport 80 -j DROP')],
    ['nft', nftInputRules('tcp dport 80 counter drop')],
  ])('finds a rule of %s that nothing in the pod may have written', (_name, filter) => {
    const [found] = failures(run(withFilters([filter])));
    expect(found?.detail).toMatch(/^1 rule that no known mesh writes/);
    expect(found?.detail).toContain('80');
    expect(found?.remedy.at(-1)?.command).toBe('kubectl delete pod -n shop web-1');
  });

  it('finds a foreign rule beside those of a mesh', () => {
    const [, istio] = meshes[0];
    expect(failures(run(withFilters([istio, nftInputRules('tcp dport 80 drop')])))[0]?.evidence).toHaveLength(
      1,
    );
  });

  it.each([
    [
      'connection tracking zones of DNS',
      '-A OUTPUT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1',
    ],
    ['the same, as nft writes it', 'udp dport 53 skuid 1337 counter xt target "CT"'],
    ['the same, without iptables', 'udp sport 53 ct zone set 1'],
    ['DNS for its proxy', '-A OUTPUT -d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053'],
    ['the same, as nft writes it', 'ip daddr 10.96.0.10 udp dport 53 counter redirect to :15053'],
    ['an interface that it leaves alone', '-A PREROUTING -i net1 -j RETURN'],
    [
      'marks of TPROXY',
      '-A PREROUTING -p tcp -m mark --mark 0x539 -j CONNMARK --save-mark --nfmask 0xffffffff',
    ],
    ['marks of TPROXY, as nft writes them', 'meta l4proto tcp meta mark 0x00000539 counter ct mark set mark'],
    [
      'marks of what the proxy sends',
      '-A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff',
    ],
    ['packets of no connection', '-A PREROUTING -m conntrack --ctstate INVALID -j DROP'],
  ])('passes what a mesh writes in chains that are not its own: %s', (_what, rule) => {
    const [, istio] = meshes[0];
    const besides = aFilter(rule.startsWith('-A') ? 'iptables-legacy' : 'nftables', 'mangle', {
      PREROUTING: { hook: 'prerouting', policy: 'ACCEPT', rules: [rule] },
    });
    expect(run(withFilters([istio, besides]))).toMatchObject([{ result: 'pass' }]);
    // Who else would write it?
    expect(failures(run(withFilters([besides])))).toHaveLength(1);
  });

  it.each([
    '-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 9',
    '-A PREROUTING -m conntrack --ctstate NEW -j DROP',
    '-A PREROUTING -m conntrack ! --ctstate INVALID -j DROP',
    '-A PREROUTING -p tcp -m tcp --dport 80 -j ACCEPT',
    '-A PREROUTING -p tcp -m tcp --dport 80',
    'tcp dport 80 counter',
  ])('finds what no mesh writes in such chains: %s', (rule) => {
    const [, istio] = meshes[0];
    expect(failures(run(withFilters([istio, inputRules(rule)])))).toHaveLength(1);
  });

  it('quotes a hostile rule in one short line', () => {
    const rule = `counter comment "${'x'.repeat(900)}\n\u001b[31m"`;
    const [found] = failures(run(withFilters([aFilter('nftables', 'ip a', { c: { rules: [rule] } })])));
    expect(found?.evidence[0]?.actual.length).toBeLessThan(250);
    expect(found?.detail).not.toContain('\u001b');
  });

  it('leaves a pod alone that may write rules itself, also in an init container', () => {
    const containers = aPod().containers.map((container) => ({
      ...container,
      role: 'init' as const,
      netAdmin: true,
    }));
    const network = withFilters([inputRules('-A INPUT -p udp -j DROP')], { pod: aPod({ containers }) });
    expect(run(network)).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('leaves rules that drop everything to pod-firewall-blocks-all', () => {
    expect(run(withFilters([inputRules('-A INPUT -j DROP')]))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('pod-firewall-blocks-all') },
    ]);
  });

  it('is not applicable to virtual machines, whose rules KubeVirt writes', () => {
    const pod = aPod({ labels: { 'kubevirt.io': 'virt-launcher' } });
    expect(run(withFilters([inputRules('-A INPUT -p udp -j DROP')], { pod }))).toMatchObject([
      { result: 'notApplicable' },
    ]);
    const sandbox = aSandbox({ runtimeHandler: 'kata' });
    expect(run(aPodNetwork({ sandbox }))).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('does not know when namespace or rules could not be read', () => {
    expect(run(aPodNetwork({ stack: null }))).toMatchObject([{ result: 'unknown' }]);
    expect(run(aPodNetwork({ stack: aStack({ packetFiltersFailed: 'nft: exit 1' }) }))).toMatchObject([
      { result: 'unknown' },
    ]);
  });
});
