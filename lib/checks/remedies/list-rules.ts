import type { PodNetwork } from '../../model/evidence.ts';
import { command } from './steps.ts';

/**
 * The command that lists all rules in a pod's namespace, for a root shell on the node. It runs both kinds of
 * iptables: each is blind to the other's rules.
 */
export function listRules(network: PodNetwork): string {
  const path = network.sandbox.namespacePath ?? `/proc/${network.sandbox.pid}/ns/net`;
  const inside = (...words: string[]) => command('nsenter', `--net=${path}`, ...words);
  return [inside('iptables-save'), inside('iptables-legacy-save'), inside('nft', 'list', 'ruleset')].join(
    '; ',
  );
}

/** The same, saved to a file. */
export function keepRules(network: PodNetwork): string {
  return `{ ${listRules(network)}; } > ${command(`rules-of-${network.pod.name}.txt`)} 2>&1`;
}
