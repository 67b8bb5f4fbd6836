/** Findings that the tool itself can repair, and how: plans go by it, and reports say so. */

import { agentToRestart } from './agent-restart.ts';
import type { Finding } from './finding.ts';
import { leakedPairOf, leakedRecordsOf } from './node-object.ts';
import { orphanOf } from './orphan.ts';
import { isRepairedByNewPod } from './recreation.ts';

export const actKinds = [
  'delete-veths',
  'release-addresses',
  'delete-namespaces',
  'recreate-pod',
  'restart-agent',
] as const;
export type ActKind = (typeof actKinds)[number];

/** Checks whose faults a restart of the node's agent repairs. */
const RESTARTED: ReadonlySet<string> = new Set(['cni-agent-down', 'cni-plugin-missing', 'ipam-leaked']);

/** Null for what only people repair. */
export function repairKindOf(
  finding: Pick<Finding, 'check' | 'object' | 'evidence' | 'remedy'>,
): ActKind | null {
  if (isRepairedByNewPod(finding)) return 'recreate-pod';
  if (finding.check === 'namespace-orphaned' && orphanOf(finding) !== null) return 'delete-namespaces';
  if (finding.check === 'veth-orphaned' && leakedPairOf(finding) !== null) return 'delete-veths';
  if (finding.check === 'ipam-leaked' && leakedRecordsOf(finding).length > 0) return 'release-addresses';
  return RESTARTED.has(finding.check) && agentToRestart(finding) !== null ? 'restart-agent' : null;
}
