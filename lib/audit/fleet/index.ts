/**
 * The audit of a fleet, in steps that different processes may do, and do again. Functions import the file of their own step:
 * from here each would carry what all others load on use.
 */
export { auditBatchOfFleet } from './audit-batch.ts';
export { concludeClusterOfFleet } from './conclude-cluster.ts';
export { concludeFleet } from './conclude-fleet.ts';
export type { FleetReport } from './messages.ts';
export { latestOfEach } from './page.ts';
export { planClusterOfFleet } from './plan-cluster.ts';
export { planFleet } from './plan-fleet.ts';
export { type FleetProgress, runFleet } from './run-fleet.ts';
