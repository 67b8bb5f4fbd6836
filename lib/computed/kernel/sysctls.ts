/** Settings of the node's kernel as numbers. */
import type { Sources } from '../../model/evidence.ts';

/** The largest number that the kernel keeps for the settings that are read here: they are C's int. */
const LARGEST = 2 ** 31 - 1;

/** Null if it was not read, or no kernel prints such a value: reports and tables have no room for more. */
export function sysctlNumber({ sysctls }: Pick<Sources['kernel'], 'sysctls'>, name: string): number | null {
  const printed = sysctls[name]?.trim() ?? '';
  return /^\d{1,10}$/.test(printed) && Number(printed) <= LARGEST ? Number(printed) : null;
}
