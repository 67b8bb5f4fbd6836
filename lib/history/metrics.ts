/** The metrics and groupings of a trend. Small: the command line reads it on each start. */
export const metrics = ['orphans', 'namespaces', 'usage', 'pods', 'nodes'] as const;
export type Metric = (typeof metrics)[number];

export const groupings = ['cluster', 'node', 'ami', 'kernel', 'nodegroup', 'cni'] as const;
export type Grouping = (typeof groupings)[number];
