/** The states that a function does, by the name of its file in lambda/. */
export const STATES = [
  'discover-clusters',
  'plan-fleet',
  'plan-cluster',
  'audit-nodes',
  'conclude-cluster',
  'conclude-fleet',
] as const;
export type State = (typeof STATES)[number];
