/** Findings that the tool itself can repair, and how: plans go by it, and reports say so. */
import type { Finding } from './finding.ts';
import { orphanOf } from './orphan.ts';
import { isRepairedByNewPod } from './recreation.ts';

export const actKinds = ['recreate-pod', 'delete-namespaces'] as const;
export type ActKind = (typeof actKinds)[number];

/** Null for what only people repair. */
export function repairKindOf(
  finding: Pick<Finding, 'check' | 'object' | 'evidence' | 'remedy'>,
): ActKind | null {
  if (isRepairedByNewPod(finding)) return 'recreate-pod';
  return finding.check === 'namespace-orphaned' && orphanOf(finding) !== null ? 'delete-namespaces' : null;
}
