/**
 * The audit of a fleet, in steps that different processes may run, and rerun. Functions import only the file
 * of their step: this file would add the code of all others.
 */
export { auditBatchOfFleet } from './audit-batch.ts';
export { concludeClusterOfFleet } from './conclude-cluster.ts';
export { concludeFleet } from './conclude-fleet.ts';
export type { FleetReport } from './messages.ts';
export { latestOfEach } from './page.ts';
export { planClusterOfFleet } from './plan-cluster.ts';
export { planFleet } from './plan-fleet.ts';
export { type FleetProgress, runFleet } from './run-fleet.ts';
