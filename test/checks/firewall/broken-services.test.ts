import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brokenServices } from '../../../lib/computed/firewall/broken-services.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { parseIptablesSave, parseNftables } from '../../../lib/probe/parse/packet-filters.ts';

/** What kube-proxy 1.36 wrote for Services of all kinds, some without endpoints or without any on the node. */
const recorded = (name: string) => readFileSync(new URL(`./kube-proxy/${name}`, import.meta.url), 'utf8');
const legacy = (change = (text: string) => text) => [
  parseIptablesSave(change(recorded('iptables.save')), 'iptables-legacy'),
];
const byNft = (change = (text: string) => text) => parseNftables(change(recorded('iptables.nft')));
const maps = (change = (text: string) => text) => parseNftables(change(recorded('nftables.nft')));
const broken = (
  filters: readonly PacketFilter[],
  known: Partial<Parameters<typeof brokenServices>[1]> = {},
) => brokenServices(filters, { nodes: 2, existing: new Set(), ...known });
/** Changes nat alone: filter has chains of the same names. */
const inNat = (change: (nat: string) => string) => (text: string) => text.replace(/\*nat.*?COMMIT/s, change);
const chainsOf = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = '']) => name);
const flushed = (filters: readonly PacketFilter[], chain: string): PacketFilter[] =>
  filters.map((filter) => ({
    ...filter,
    tables: filter.tables.map((table) => ({
      ...table,
      chains: table.chains.map((each) => (each.name === chain ? { ...each, rules: [] } : each)),
    })),
  }));

describe('rules of single Services', () => {
  it('are whole as kube-proxy writes them, in both modes', () => {
    for (const filters of [legacy(), byNft(), maps()]) {
      expect(broken(filters)).toEqual([]);
      expect(
        broken(filters, { existing: new Set(['shop/none', 'shop/ilocal-none', 'shop/headless']) }),
      ).toEqual([]);
    }
  });

  const services = chainsOf(recorded('iptables.save'), /^:(KUBE-(?:SVC|SVL|EXT|SEP)-\w+)/gm);
  it.each(services)('are broken where %s was flushed', (chain) => {
    for (const filters of [legacy(), byNft()]) {
      expect(broken(flushed(filters, chain))).toMatchObject([{ chain, lacks: 'endpoints' }]);
    }
  });

  const jumps = chainsOf(recorded('iptables.save'), /^-A KUBE-SERVICES .*(-j KUBE-SV[CL]-\w+)$/gm);
  it.each(jumps)('are broken where the rule that leads to the chain is gone: %s', (jump) => {
    const chain = jump.slice(3);
    const [found, ...more] = broken(
      legacy(inNat((nat) => nat.replace(new RegExp(`^-A KUBE-SERVICES .*${jump}\n`, 'm'), ''))),
    );
    expect([found?.chain, found?.lacks, more]).toEqual([chain, 'way', []]);
    expect(found?.service).toMatch(/^(?:shop|kube-system|default)\//);
    expect(found?.address).toMatch(/^10\.96\./);
    const nft = byNft((text) =>
      text.replace(new RegExp(`^.*ip daddr 10\\.96\\.\\S+ .*${jump.replace('-j', 'jump')}\n`, 'm'), ''),
    );
    expect(broken(nft)).toMatchObject([{ chain, lacks: 'way', address: found?.address }]);
  });

  const inMaps = chainsOf(
    recorded('nftables.nft'),
    /^\tchain ((?:service|local|external|endpoint)-[A-Z0-9]{8}-\S+)/gm,
  );
  it.each(inMaps)('are broken where %s was flushed', (chain) => {
    expect(broken(flushed(maps(), chain))).toMatchObject([{ chain, lacks: 'endpoints' }]);
  });

  const elements = chainsOf(recorded('nftables.nft'), /(10\.96\.\S+ \. \w+ \. \d+ : goto [^\s,]+)/g);
  it.each(elements)('are broken where the element is gone: %s', (element) => {
    const chain = element.split(' goto ')[1] ?? '';
    const found = broken(maps((text) => text.replace(`${element},\n`, '\n').replace(` ${element} `, ' ')));
    // Another chain of those leads to it, for what comes from outside.
    const isUsed = /\/(?:np|extip|lb|elocal|elocal-none)\//.test(chain);
    expect(found).toMatchObject(isUsed ? [] : [{ chain, lacks: 'way' }]);
  });

  it('are named by Service and port', () => {
    const [ofChain] = broken(flushed(legacy(), 'KUBE-SVC-67NZLRHBNDSAWJRO'));
    expect(ofChain).toMatchObject({ service: 'shop/web', port: 'http', address: '10.96.1.1' });
    const [ofMap] = broken(flushed(maps(), 'service-KHN6ECMT-shop/web/tcp/http'));
    expect(ofMap).toMatchObject({ service: 'shop/web', port: 'http', address: '10.96.1.1' });
    const [ofEndpoint] = broken(flushed(legacy(), 'KUBE-SEP-34ZZ2QFGO32YYXXO'));
    expect(ofEndpoint).toMatchObject({ service: 'shop/web', port: 'http' });
  });

  it('may be left of a Service that is gone, in a cluster with many endpoints', () => {
    const without = (chain: string) =>
      legacy(inNat((nat) => nat.replace(new RegExp(`^-A KUBE-SERVICES .*-j ${chain}\n`, 'm'), '')));
    expect(broken(without('KUBE-SVC-67NZLRHBNDSAWJRO'), { nodes: 100 })).toEqual([]);
    const existing = new Set(['default/kubernetes']);
    expect(broken(without('KUBE-SVC-NPX46M4PTMTKRN6Y'), { nodes: 100, existing })).toMatchObject([
      { service: 'default/kubernetes', lacks: 'way' },
    ]);
    // Its chain is used otherwise, and so the Service is there.
    expect(broken(without('KUBE-SVC-DCQOGJK4QZZOVIJ6'), { nodes: 100 })).toMatchObject([
      { service: 'shop/np', lacks: 'way' },
    ]);
  });

  it('count in one table of a family alone, as an earlier kube-proxy may have left the other', () => {
    const [old] = flushed(legacy(), 'KUBE-SVC-67NZLRHBNDSAWJRO');
    for (const filters of [byNft(), maps()]) expect(broken([...(old ? [old] : []), ...filters])).toEqual([]);
  });

  it('are no longer used in mode nftables if both the chain and what led to it are gone', () => {
    const chain = 'service-KHN6ECMT-shop/web/tcp/http';
    const stale = maps((text) => text.replace(/10\.96\.1\.1 \. tcp \. 80 : goto \S+,\n/, '\n'));
    expect(broken(flushed(stale, chain))).toEqual([]);
  });
});
