/** Which checks a run runs. */
import { catalogue } from '../checks/catalogue.ts';
import type { AuditRecord } from '../probe/index.ts';

/** The catalogue without the active checks that were not asked for. */
export function checksFor(active: readonly AuditRecord['active'][number][]): typeof catalogue {
  return catalogue.filter((check) => check.active === undefined || active.includes(check.active));
}
