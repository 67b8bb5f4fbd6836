/** The one repair of a kernel that no longer takes namespaces down or has hit a defect: another boot. */
import type { RemedyStep } from '../../model/finding.ts';
import { command, lookOnNode, repair } from '../remedies.ts';

/** Cordon, keep what the kernel developers will ask for, drain, reboot or replace. */
export function rebootOrReplace(node: string): RemedyStep[] {
  return [
    repair('Keep new pods away.', command('kubectl', 'cordon', node)),
    lookOnNode(
      node,
      'keep the log and the stacks of blocked tasks for whoever repairs the kernel.',
      `dmesg > /var/tmp/netns-dmesg.txt; for p in /proc/[0-9]*; do grep -q '^State:.D' "$p/status" 2>/dev/null && cat "$p/comm" "$p/stack"; done > /var/tmp/netns-stacks.txt`,
    ),
    repair(
      'Move the pods away. Some may stay in Terminating, as their namespaces cannot be taken down: the reboot ends them.',
      command('kubectl', 'drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=10m'),
    ),
    repair('Reboot the node, or replace the instance; then upgrade the kernel of its image.'),
    repair('After it is back and Ready, let pods on it again.', command('kubectl', 'uncordon', node)),
  ];
}
