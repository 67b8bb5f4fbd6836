/** The command with which the tool itself repairs a group of findings. */
import { type Finding, nodeOf } from '../model/finding.ts';
import { whyNever } from '../model/repair.ts';
import { type Group, membersOf } from './group.ts';

type RepairByTool = {
  /** Its words, without those that say how the cluster is reached, and whether it is done. */
  readonly words: readonly string[];
  readonly reboots: boolean;
  /** Puts back or raises settings only: no pod restarts. */
  readonly inPlace: boolean;
};

/** Null if `remediate` would try none of it. */
export function repairByTool(group: Group, runId: string): RepairByTool | null {
  const tried = membersOf(group).filter(isTried);
  const [repairable] = tried;
  if (repairable === undefined) return null;
  const reboots = repairable.repair?.kind === 'reboot-node';
  // One node at a time, and only by its name.
  const named = reboots ? ['--node', nodeOf(repairable)] : [];
  const inPlace = tried.every(({ repair }) => repair?.kind === 'restore' || repair?.kind === 'raise-limits');
  return {
    words: ['netns-audit', 'remediate', runId, '--only', group.lead.check, ...named],
    reboots,
    inPlace,
  };
}

function isTried({ repair, confidence, topic, notSeen }: Finding): boolean {
  return (
    repair != null &&
    whyNever(repair) === null &&
    // What could not be read then would refuse each of them.
    !(repair.kind === 'release-allocations' && repair.allocations.every(({ use }) => use === 'unread')) &&
    confidence !== 'suspected' &&
    topic !== 'connectivity' &&
    !notSeen
  );
}
