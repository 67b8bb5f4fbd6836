/** Settings of the node's kernel as numbers. */
import type { Sources } from '../model/evidence.ts';

/** Null if it was not read, or no kernel prints such a value: a limit of twenty digits is not credible. */
export function sysctlNumber({ sysctls }: Pick<Sources['kernel'], 'sysctls'>, name: string): number | null {
  const printed = sysctls[name]?.trim() ?? '';
  return /^\d{1,15}$/.test(printed) ? Number(printed) : null;
}
