/** Chooses the checks of a run. */
import { catalogue } from '../checks/catalogue.ts';
import type { CheckSet } from '../model/check-set.ts';
import type { AuditRecord } from '../probe/index.ts';

/** Namespace checks among them: leaks and totals. */
const COUNTS = [
  'namespace-orphaned',
  'namespace-count-near-limit',
  'namespace-mounts-near-limit',
  'namespaces-dying',
  'namespace-creation-failing',
];

/** The catalogue without active checks that were not requested. */
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
