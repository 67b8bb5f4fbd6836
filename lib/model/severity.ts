/** How bad a fault is: apart from the schemas, which the command line does not load to print its help. */

/** Worst first. */
export const severities = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];
