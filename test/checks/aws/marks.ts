/** The rules of iptables by which the AWS VPC CNI marks what belongs to the first ENI, as two programs print them. */
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aFilter } from '../firewall/filters.ts';

/** The parts of it, by name. */
export type MarkRules = {
  readonly nodePorts: string | null;
  readonly restores: string | null;
  readonly branches: string | null;
  readonly jump: string | null;
  readonly first: string | null;
  readonly chain: readonly string[];
  /** Of the chain that gives what leaves the VPC the node's address. */
  readonly snat?: readonly string[];
};

export const asSaved: MarkRules = {
  nodePorts:
    '-A PREROUTING -i eth0 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80',
  restores:
    '-A PREROUTING -i eni+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80',
  branches:
    '-A PREROUTING -i vlan+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80',
  jump: '-A PREROUTING -i eni+ -m comment --comment "AWS, outbound connections" -j AWS-CONNMARK-CHAIN-0',
  first:
    '-A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80',
  chain: [
    '-A AWS-CONNMARK-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS CONNMARK CHAIN" -j RETURN',
    '-A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS, CONNMARK" -j CONNMARK --set-xmark 0x80/0x80',
  ],
};

/** Where nftables does what the chain does (table aws-cni). */
export const ofNftables: PacketFilter = {
  backend: 'nftables',
  tables: [
    {
      name: 'ip aws-cni',
      chains: [
        {
          ...{ name: 'nat-prerouting', hook: 'prerouting', policy: 'accept' },
          rules: [
            'fib daddr type local return',
            'iifname "eni*" counter jump snat-mark',
            'counter ct mark & 0x00000080 meta mark set ct mark & 0x00000080',
          ],
        },
        {
          ...{ name: 'snat-mark', hook: null, policy: null },
          rules: ['counter ip daddr 10.0.0.0/16 return', 'counter ct mark set ct mark | 0x00000080'],
        },
      ],
    },
  ],
};

export const byNft: MarkRules = {
  nodePorts: 'iifname "eth0"  fib daddr . iif type local counter ct mark set ct mark or 0x80',
  restores: 'iifname "eni*"  counter meta mark set ct mark and 0x80',
  branches: 'iifname "vlan*"  counter meta mark set ct mark and 0x80',
  jump: 'iifname "eni*"  counter jump AWS-CONNMARK-CHAIN-0',
  first: 'counter meta mark set ct mark and 0x80',
  chain: ['ip daddr 10.0.0.0/16  counter return', 'counter ct mark set ct mark or 0x80'],
};

/** As nft prints them since 1.1. */
export const byNewNft: MarkRules = {
  ...byNft,
  nodePorts: 'iifname "eth0" fib daddr . iif type local counter ct mark set ct mark | 0x00000080',
  restores: 'iifname "eni*" counter meta mark set ct mark & 0x00000080',
  first: 'counter meta mark set ct mark & 0x00000080',
};

/** As nft prints them that was built without iptables: it knows the name of the extension, and not the mark. */
export const byPlainNft: MarkRules = {
  nodePorts: 'iifname "eth0" xt match "comment" xt match "addrtype" counter xt target "CONNMARK"',
  restores: 'iifname "eni*" xt match "comment" counter xt target "CONNMARK"',
  branches: 'iifname "vlan*" xt match "comment" counter xt target "CONNMARK"',
  jump: 'iifname "eni*" xt match "comment" counter jump AWS-CONNMARK-CHAIN-0',
  first: 'xt match "comment" counter xt target "CONNMARK"',
  chain: [
    'ip daddr 10.0.0.0/16 xt match "comment" counter return',
    'xt match "comment" counter xt target "CONNMARK"',
  ],
};

export function marking({
  nodePorts,
  restores,
  branches,
  jump,
  first,
  chain,
  snat = [],
}: MarkRules): PacketFilter[] {
  const backend = (restores ?? jump ?? '').startsWith('-A') ? 'iptables-legacy' : 'iptables-nft';
  const built = (rules: readonly (string | null)[]) => ({
    ...{ hook: 'prerouting', policy: 'accept' },
    rules: rules.filter((rule) => rule !== null),
  });
  const mangle = aFilter(backend, 'mangle', { PREROUTING: built([nodePorts, restores, branches]) });
  const nat = aFilter(backend, 'nat', {
    PREROUTING: built([jump, first]),
    ...(snat.length === 0 ? {} : { 'AWS-SNAT-CHAIN-0': { rules: snat } }),
    ...(chain.length === 0 ? {} : { 'AWS-CONNMARK-CHAIN-0': { rules: chain } }),
  });
  return [{ backend, tables: [...mangle.tables, ...nat.tables] }];
}
