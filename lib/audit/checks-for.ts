/** Which checks a run runs. */
import { catalogue } from '../checks/catalogue.ts';
import type { AuditRecord } from '../probe/index.ts';

/** All checks, or only those of kernels and of how many namespaces there are. */
export type CheckSet = 'all' | 'counts';

/** Of the checks of namespaces: what leaks, and what it comes to. */
const COUNTS = [
  'namespace-orphaned',
  'namespace-count-near-limit',
  'namespace-mounts-near-limit',
  'namespaces-dying',
  'namespace-creation-failing',
];

/** The catalogue without the active checks that were not asked for. */
export function checksFor(
  active: readonly AuditRecord['active'][number][],
  set: CheckSet = 'all',
): typeof catalogue {
  return catalogue.filter(
    (check) =>
      (check.active === undefined || active.includes(check.active)) &&
      (set === 'all' || check.topic === 'kernel' || COUNTS.includes(check.id)),
  );
}
