/** The command with which the tool itself repairs a group of findings. */
import { type Finding, nodeOf } from '../model/finding.ts';
import { whyNever } from '../model/repair.ts';
import { type Group, membersOf } from './group.ts';

type RepairByTool = {
  /** Its words, without those that say how the cluster is reached, and whether it is done. */
  readonly words: readonly string[];
  readonly reboots: boolean;
};

/** Null if `remediate` would try none of it. */
export function repairByTool(group: Group, runId: string): RepairByTool | null {
  const repairable = membersOf(group).find(isTried);
  if (repairable === undefined) return null;
  const reboots = repairable.repair?.kind === 'reboot-node';
  // One node at a time, and only by its name.
  const named = reboots ? ['--node', nodeOf(repairable)] : [];
  return { words: ['netns-audit', 'remediate', runId, '--only', group.lead.check, ...named], reboots };
}

function isTried({ repair, confidence, topic, notSeen }: Finding): boolean {
  return (
    repair != null &&
    whyNever(repair) === null &&
    confidence !== 'suspected' &&
    topic !== 'connectivity' &&
    !notSeen
  );
}
