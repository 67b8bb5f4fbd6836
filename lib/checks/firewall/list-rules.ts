import type { PodNetwork } from '../../model/evidence.ts';
import { command } from '../remedies.ts';

/** The command that shows all rules inside a pod's namespace, for a root shell on the node. */
export function listRules(network: PodNetwork): string {
  const path = network.sandbox.namespacePath ?? `/proc/${network.sandbox.pid}/ns/net`;
  return `${command('nsenter', `--net=${path}`, 'iptables-save')}; ${command('nsenter', `--net=${path}`, 'nft', 'list', 'ruleset')}`;
}
