/** How to list the chain of a rule of the node, and to remove the rule as a program wrote it. */
import type { Drop } from '../../computed/firewall/forwarding.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { command, repair, repairOnNode } from './steps.ts';

/** In the notation of iptables its rules have a table, which is left out for filter. */
export function tableOf({ table }: Pick<Drop, 'table'>): string[] {
  const name = table.split(' ').at(-1) ?? '';
  return name === 'filter' ? [] : ['-t', name];
}

export function listOf(drop: Drop): string[] {
  const { backend, table, base } = drop;
  return backend === 'nftables'
    ? ['nft', '-sa', 'list', 'chain', ...table.split(' '), base]
    : [toolOf(backend), ...tableOf(drop), '-S', base];
}

export function takeBack(drop: Drop, node: string): RemedyStep {
  const { backend, table, base, by, chain } = drop;
  if (chain === null)
    return repairOnNode(
      node,
      'let packets pass again; rules that drop on purpose stay.',
      backend === 'nftables'
        ? command('nft', 'chain', ...table.split(' '), base, '{ policy accept; }')
        : command(toolOf(backend), ...tableOf(drop), '-P', base, 'ACCEPT'),
    );
  // Tools with a chain of their own restore their rules.
  if (chain !== base)
    return repair(
      `On node ${node}, as root: have the program that created the rule remove it, or remove it with ${backend === 'nftables' ? 'nft delete rule' : `${toolOf(backend)} -D`}.`,
    );
  return repairOnNode(node, 'remove the rule.', removalOf({ backend, table, chain, by }));
}

/** Whether the chain sees what the node sends: then other ends are destinations. */
export const isOfSent = ({ base }: Pick<Drop, 'base'>): boolean => /output|postrouting/i.test(base);

/**
 * A command that accepts, before all that a chain of nftables has, packets of these addresses or networks of one family.
 * `match`: further conditions, in words of nft.
 */
export function acceptInNft(
  drop: Pick<Drop, 'table' | 'base'>,
  addresses: readonly string[],
  ...match: readonly string[]
): string {
  const family = addresses.some((address) => address.includes(':')) ? 'ip6' : 'ip';
  return command(
    ...['nft', 'insert', 'rule', ...drop.table.split(' '), drop.base],
    ...[family, isOfSent(drop) ? 'daddr' : 'saddr'],
    ...(addresses.length === 1 ? addresses : [`{ ${addresses.join(', ')} }`]),
    ...[...match, 'accept'],
  );
}

/** A command that removes the rule `by` and no other, whatever stands beside it. */
export function removalOf(rule: Pick<Drop, 'backend' | 'table' | 'by'> & { readonly chain: string }): string {
  const { backend, table, chain, by } = rule;
  const words = by.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  if (words[0] === '-A')
    return command(toolOf(backend), ...tableOf(rule), '-D', ...words.slice(1).map(unquoted));
  // iptables does not accept rules in the notation of nft, which shows those of iptables-nft.
  const place =
    backend === 'nftables'
      ? table.split(' ')
      : [backend.startsWith('ip6') ? 'ip6' : 'ip', ...table.split(' ').slice(-1)];
  // The mark stands for the beginning of a line: other rules may end with the same words.
  return (
    `${command('nft', '-sa', 'list', 'chain', ...place, chain)} | sed 's/^[[:space:]]*/^/' | ` +
    `${command('grep', '-F', '-e', `^${by} # handle `)} | sed 's/.* # handle //' | head -n 1 | xargs -r ${command('nft', 'delete', 'rule', ...place, chain, 'handle')}`
  );
}

/** iptables-save escapes what would end the quotes. */
const unquoted = (word: string): string =>
  word.replace(/^"(.*)"$/, (_, text: string) => text.replace(/\\(.)/g, '$1'));
