/** The states that run a function, by its file name in lambda/. */
export const STATES = [
  'discover-clusters',
  'plan-fleet',
  'plan-cluster',
  'audit-nodes',
  'conclude-cluster',
  'conclude-fleet',
] as const;
export type State = (typeof STATES)[number];
