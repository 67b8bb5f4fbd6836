import type { PodNetwork } from '../../model/evidence.ts';
import { command } from './steps.ts';

/**
 * The command that shows all rules inside a pod's namespace, for a root shell on the node. Both kinds of iptables are
 * asked: each is blind to the rules of the other.
 */
export function listRules(network: PodNetwork): string {
  const path = network.sandbox.namespacePath ?? `/proc/${network.sandbox.pid}/ns/net`;
  const inside = (...words: string[]) => command('nsenter', `--net=${path}`, ...words);
  return [inside('iptables-save'), inside('iptables-legacy-save'), inside('nft', 'list', 'ruleset')].join(
    '; ',
  );
}

/** The same, kept in a file. */
export function keepRules(network: PodNetwork): string {
  return `{ ${listRules(network)}; } > ${command(`rules-of-${network.pod.name}.txt`)} 2>&1`;
}
