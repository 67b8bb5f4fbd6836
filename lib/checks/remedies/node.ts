/** Repairs of a whole node, safe to paste in order: nothing uncordons the node before a person has looked. */
import type { RemedyStep } from '../../model/finding.ts';
import type { Repair } from '../../model/repair.ts';
import { command, lookOnNode, repair } from './steps.ts';

/** For what only another boot ends. */
export const REBOOT: Repair = { kind: 'reboot-node' };

/** A step that keeps new pods off the node. @param text - the sentence before the command */
export function cordon(node: string, text: string): RemedyStep {
  return repair(text, command('kubectl', 'cordon', node));
}

/** Uncordons in words, not as a command: a command would be pasted along with the rest, before the node is back. */
export function uncordon(node: string, when: string): RemedyStep {
  return repair(`${when}, and not before, let pods on it again: kubectl uncordon ${command(node)}`);
}

/**
 * Pods of DaemonSets stay, data in emptyDir volumes is lost, and the drain ends after ten minutes even if
 * pods are left.
 */
export function drain(node: string, text: string): RemedyStep {
  return repair(
    `${text} Pods that no controller would recreate are refused: save those, and delete them by hand.`,
    command('kubectl', 'drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=10m'),
  );
}

/** Drains, reboots, and lets pods back. */
export function drainAndReboot(node: string, text = 'Move the pods away.'): RemedyStep[] {
  return [
    drain(node, text),
    repair('Then reboot the node, or replace its instance.'),
    uncordon(node, 'Once the node is back from that boot and Ready'),
  ];
}

/**
 * The only repair of a kernel that no longer deletes namespaces or has hit a defect; first saves what its
 * developers will ask for.
 */
export function rebootForKernel(node: string): RemedyStep[] {
  return [
    cordon(node, 'Keep new pods away.'),
    lookOnNode(
      node,
      'save the log and the stacks of blocked tasks for those who repair the kernel.',
      `dmesg > /var/log/netns-dmesg.txt; for p in /proc/[0-9]*; do grep -q '^State:.D' "$p/status" ` +
        '2>/dev/null && cat "$p/comm" "$p/stack"; done > /var/log/netns-stacks.txt',
    ),
    ...drainAndReboot(
      node,
      'Move the pods away. Some may stay in Terminating, as their namespaces cannot be deleted: the reboot ends them.',
    ),
    repair('Upgrade the kernel of its image, or it comes back.'),
  ];
}
