/** The name of a scheduled run. */
import type { Store } from '../../history/index.ts';
import { newRunId } from '../../model/run-id.ts';

/**
 * The same however often a schedule is delivered, and another in each store: two stacks may audit one cluster on the same
 * schedule, and a probe pod, which is named after its run, replaces an earlier one of its name.
 */
export function scheduledRunId(
  { location }: Pick<Store, 'location'>,
  { scheduledTime, schedule }: { readonly scheduledTime: string; readonly schedule: string },
): string {
  return newRunId(new Date(scheduledTime), `${schedule} ${location}`);
}
