/** Rules of table nat that give pods' packets an address to which no answer comes back. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack, PacketFilter } from '../../model/network.ts';
import { addressBits, contains, familyOf, sameAddress } from '../cidr.ts';
import { mainAddresses } from '../preconditions.ts';
import { type Condition, readRule } from './forward-rules.ts';
import { chainsOfNat, familyOfTable } from './nat-chain.ts';

export type WrongSource = {
  readonly backend: PacketFilter['backend'];
  readonly chain: string;
  readonly rule: string;
  readonly address: string;
};

/** One address, without a range of others or ports. */
const SOURCE = /(?:--to-source|\bsnat(?: ip6?)? to) ([0-9a-f.:]+)(?= |$)/;
/** What AWS and others except is for the node itself. */
const NOT_LOCAL = /-m addrtype ! --dst-type LOCAL|fib daddr type != local/;
const HARMLESS: readonly Condition['option'][] = ['-s', '-d', '-o'];

/**
 * Rules for what pods send wherever it goes, which set an address that no link of the node has, though it is of a network
 * of the node. Others may be routed to the node from afar.
 */
export function wrongSources(
  filter: PacketFilter,
  host: Pick<NetworkStack, 'addresses'>,
  podNetworks: readonly PodNetwork[],
): WrongSource[] {
  const chains = chainsOfNat(filter);
  const family = familyOfTable(filter);
  const pods = podNetworks.flatMap((network) =>
    mainAddresses(network).flatMap((held) => (held.family === family ? [held.address] : [])),
  );
  if (pods.length === 0) return [];
  const near = host.addresses.filter(
    ({ address, prefixLength, scope }) => scope === 'global' && prefixLength < addressBits(address),
  );
  return reachedFrom('POSTROUTING', chains).flatMap((chain) =>
    (chains.get(chain) ?? []).flatMap((text) => {
      const address = SOURCE.exec(text)?.[1] ?? '';
      if (address === '' || familyOf(address) !== family) return [];
      const rule = readRule(text.replace(NOT_LOCAL, ''));
      const isOfNode = host.addresses.some((held) => sameAddress(held.address, address));
      const isNear = near.some((held) => contains(`${held.address}/${held.prefixLength}`, address));
      if (rule === null || isOfNode || !isNear || !rule.conditions.every((each) => isWide(each, pods)))
        return [];
      return [{ backend: filter.backend, chain, rule: text.trim(), address }];
    }),
  );
}

function isWide({ option, value, negated }: Condition, pods: readonly string[]): boolean {
  if (!HARMLESS.includes(option)) return false;
  if (option === '-s') return !negated && pods.every((pod) => contains(value, pod));
  return option === '-o' ? !negated : negated;
}

/** The chain, and those that its rules lead to. */
function reachedFrom(chain: string, chains: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = new Set([chain]);
  // Chains of single pods and Services set no such address, and may be thousands.
  for (const each of reached)
    for (const rule of chains.get(each) ?? []) {
      const target = readRule(rule)?.target ?? '';
      if (chains.has(target) && !/^(?:CNI-|KUBE-)/.test(target)) reached.add(target);
    }
  return [...reached];
}
