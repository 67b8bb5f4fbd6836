import { describe, expect, it } from 'vitest';
import { masqueradeRulesDetached } from '../../../lib/checks/firewall/masquerade-rules-detached.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aPodNetwork, context, failures } from '../evidence.ts';

const CHAIN = 'AWS-SNAT-CHAIN-0';
const JUMP = `-A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j ${CHAIN}`;
const SNAT = `-A ${CHAIN} ! -d 10.0.0.0/16 -j SNAT --to-source 10.0.3.7 --random-fully`;

const nat = ({
  postrouting = [JUMP],
  rules = [SNAT],
  backend = 'iptables-legacy' as PacketFilter['backend'],
} = {}): PacketFilter => ({
  backend,
  tables: [
    {
      name: 'nat',
      chains: [
        { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules: postrouting },
        { name: CHAIN, hook: null, policy: null, rules },
      ],
    },
  ],
});

const run = (plugin: string, ...hostPacketFilters: PacketFilter[]) =>
  masqueradeRulesDetached.run({ hostPacketFilters, podNetworks: [aPodNetwork({ plugin })] }, context);

describe('masquerade-rules-detached', () => {
  it('passes a chain to which POSTROUTING leads, in the words of both backends', () => {
    expect(run('aws-cni', nat())).toMatchObject([{ result: 'pass' }]);
    const postrouting = [`counter packets 3 bytes 180 jump ${CHAIN}`];
    expect(run('aws-cni', nat({ backend: 'iptables-nft', postrouting }))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a chain to which nothing leads, and puts the rule back as the agent writes it', () => {
    const [found] = failures(run('aws-cni', nat({ postrouting: [] })));
    expect(found?.object.kind).toBe('node');
    expect(found?.detail).toBe(
      `Chain ${CHAIN} (iptables-legacy) has its rules, but no rule of POSTROUTING leads there.`,
    );
    expect(found?.remedy.map(({ command }) => command)).toContain(
      `iptables-legacy -t nat -A POSTROUTING -m comment --comment 'AWS SNAT CHAIN' -j ${CHAIN}`,
    );
  });

  it('leaves alone what another backend has left, an empty chain, and a plugin that is gone', () => {
    const left = nat({ postrouting: [] });
    expect(run('aws-cni', left, nat({ backend: 'iptables-nft' }))).toMatchObject([{ result: 'pass' }]);
    expect(run('aws-cni', nat({ postrouting: [], rules: [] }))).toMatchObject([{ result: 'notApplicable' }]);
    expect(run('calico', left)).toMatchObject([{ result: 'notApplicable' }]);
  });

  describe('of single pods', () => {
    const OWN = `CNI-${'0a1b2c3d'.repeat(3)}`;
    const ofPod = (
      rules: string[],
      jump = `-A POSTROUTING -s 10.244.1.2/32 -m comment --comment "name: \\"lab\\" id: \\"aaaa\\"" -j ${OWN}`,
    ): PacketFilter => ({
      backend: 'iptables-legacy',
      tables: [
        {
          name: 'nat',
          chains: [
            { name: 'POSTROUTING', hook: 'postrouting', policy: 'accept', rules: [jump] },
            { name: OWN, hook: null, policy: null, rules },
          ],
        },
      ],
    });

    it('finds a chain that was flushed, and puts its rules back', () => {
      const [found] = failures(run('bridge', ofPod([])));
      expect(found?.object).toEqual({ kind: 'node', name: 'node-1' });
      expect(found?.detail).toBe(
        'The chains that masquerade shop/web-1 have no rule, though POSTROUTING leads to them.',
      );
      expect(found?.remedy.at(-1)?.command).toBe(
        `iptables-legacy -t nat -A ${OWN} -d 10.244.1.0/24 -j ACCEPT && ` +
          `iptables-legacy -t nat -A ${OWN} '!' -d 224.0.0.0/4 -j MASQUERADE`,
      );
    });

    it('reads it as nft writes it', () => {
      const filter = ofPod([], `ip saddr 10.244.1.2 counter packets 0 bytes 0 jump ${OWN}`);
      expect(failures(run('ptp', { ...filter, backend: 'iptables-nft' }))[0]?.remedy[0]?.command).toBe(
        'iptables-save -t nat',
      );
    });

    it('leaves alone a chain with rules, one of a pod that is gone, and one of another kind', () => {
      const fine = { result: 'notApplicable' };
      expect(run('bridge', ofPod([`-A ${OWN} ! -d 224.0.0.0/4 -j MASQUERADE`]))).toMatchObject([fine]);
      expect(run('bridge', ofPod([], `-A POSTROUTING -s 10.244.1.99/32 -j ${OWN}`))).toMatchObject([fine]);
      expect(run('bridge', ofPod([], '-A POSTROUTING -s 10.244.1.2/32 -j CNI-HOSTPORT-MASQ'))).toMatchObject([
        fine,
      ]);
    });
  });
});
