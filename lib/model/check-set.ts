/** Which checks a run has. */
import * as z from 'zod';

export const checkSetSchema = z
  .enum(['all', 'counts'])
  .default('all')
  .describe(
    'All checks; or only those of kernels and of how many namespaces there are, for more frequent runs.',
  );
export type CheckSet = z.output<typeof checkSetSchema>;
