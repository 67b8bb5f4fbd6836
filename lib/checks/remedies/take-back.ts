/** How to list the chain of a rule of the node, and to remove the rule as a program wrote it. */
import type { Drop } from '../../computed/firewall/forwarding.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { command, repair, repairOnNode } from './steps.ts';

/** In the notation of iptables its rules have a table, which is left out for filter. */
export function tableOf({ table }: Drop): string[] {
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
  const tool = toolOf(backend);
  if (chain === null)
    return repairOnNode(
      node,
      'let packets pass again; rules that drop on purpose stay.',
      backend === 'nftables'
        ? command('nft', 'chain', ...table.split(' '), base, '{ policy accept; }')
        : command(tool, ...tableOf(drop), '-P', base, 'ACCEPT'),
    );
  // Tools with a chain of their own restore their rules.
  if (chain !== base)
    return repair(
      `On node ${node}, as root: have the program that created the rule remove it, or remove it with ${backend === 'nftables' ? 'nft delete rule' : `${tool} -D`}.`,
    );
  const words = by.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  if (words[0] === '-A')
    return repairOnNode(
      node,
      'remove the rule.',
      command(tool, ...tableOf(drop), '-D', ...words.slice(1).map(unquoted)),
    );
  // iptables does not accept rules in the notation of nft, which shows those of iptables-nft.
  const place =
    backend === 'nftables'
      ? table.split(' ')
      : [backend.startsWith('ip6') ? 'ip6' : 'ip', ...table.split(' ').slice(-1)];
  return repairOnNode(
    node,
    'remove the rule.',
    // The mark stands for the beginning of a line: other rules may end with the same words.
    `${command('nft', '-sa', 'list', 'chain', ...place, base)} | sed 's/^[[:space:]]*/^/' | ` +
      `${command('grep', '-F', '-e', `^${by} # handle `)} | sed 's/.* # handle //' | head -n 1 | xargs -r ${command('nft', 'delete', 'rule', ...place, base, 'handle')}`,
  );
}

/** iptables-save escapes what would end the quotes. */
const unquoted = (word: string): string =>
  word.replace(/^"(.*)"$/, (_, text: string) => text.replace(/\\(.)/g, '$1'));
