/** Settings of the node's kernel as numbers. */
import type { Sources } from '../model/evidence.ts';

/** Null for what was not read, and for what no kernel prints: a limit of twenty digits is none that anything stays below. */
export function sysctlNumber({ sysctls }: Pick<Sources['kernel'], 'sysctls'>, name: string): number | null {
  const printed = sysctls[name]?.trim() ?? '';
  return /^\d{1,15}$/.test(printed) ? Number(printed) : null;
}
