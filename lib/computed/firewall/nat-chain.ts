/** A chain of table nat that an agent keeps in iptables, and whether packets get there. */
import type { PacketFilter } from '../../model/network.ts';
import { readRule } from './forward-rules.ts';

export type NatChain = {
  /** The program that shows and changes it. */
  readonly tool: string;
  readonly family: 4 | 6;
  /** The number of its rules. */
  readonly rules: number;
  /** Whether a rule of a built-in chain leads there. */
  readonly isReachedFrom: (builtIn: string) => boolean;
};

/** The chains of a table, if this backend of the packet filter is one of iptables. */
function chainsOf(
  { backend, tables }: PacketFilter,
  table: string,
): PacketFilter['tables'][number]['chains'] {
  return backend === 'nftables' ? [] : (tables.find(({ name }) => name === table)?.chains ?? []);
}

/** The rules of a chain; null if this backend of the packet filter has no such chain of iptables. */
export function rulesOfChain(filter: PacketFilter, table: string, chain: string): readonly string[] | null {
  return chainsOf(filter, table).find(({ name }) => name === chain)?.rules ?? null;
}

/** {@link rulesOfChain} of table nat. */
export function rulesOfNat(filter: PacketFilter, chain: string): readonly string[] | null {
  return rulesOfChain(filter, 'nat', chain);
}

/** The rules of each chain of table nat, of a backend of iptables. Plugins leave chains behind by the thousand. */
export function chainsOfNat(filter: PacketFilter): ReadonlyMap<string, readonly string[]> {
  return new Map(chainsOf(filter, 'nat').map(({ name, rules }) => [name, rules]));
}

/** @returns null if this backend of the packet filter has no such chain, or none with rules */
export function natChain(filter: PacketFilter, wanted: string): NatChain | null {
  const rules = rulesOfNat(filter, wanted)?.length ?? 0;
  if (rules === 0) return null;
  return {
    tool: toolOf(filter.backend),
    family: familyOfTable(filter),
    rules,
    isReachedFrom: (builtIn) =>
      (rulesOfNat(filter, builtIn) ?? []).some((rule) => readRule(rule)?.target === wanted),
  };
}

/** The addresses that one backend of iptables filters. */
export function familyOfTable({ backend }: Pick<PacketFilter, 'backend'>): 4 | 6 {
  return backend.startsWith('ip6') ? 6 : 4;
}

/** The program for one backend of iptables: the default one is of nftables. */
export function toolOf(backend: PacketFilter['backend']): string {
  const family = backend.startsWith('ip6') ? 'ip6tables' : 'iptables';
  return backend.endsWith('-legacy') ? `${family}-legacy` : family;
}
