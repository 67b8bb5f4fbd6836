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
});
