/** Exceptions: accepted findings, with an owner and an expiry date. */
import * as z from 'zod';

const pattern = z.string().min(1).max(400);

export const exceptionSchema = z
  .strictObject({
    check: pattern.describe('Id of a check, such as pod-mtu-mismatch. `*` stands for any characters.'),
    objects: z
      .array(pattern)
      .min(1)
      .max(50)
      .optional()
      .describe(
        'Each is held against namespace/name of the object, its node, path and kind, and the name that ' +
          'reports print. `*` stands for any characters. Default: any, where labels choose.',
      ),
    labels: z
      .record(z.string().min(1).max(317), z.string().max(63))
      .refine((labels) => Object.keys(labels).length > 0, 'At least one label.')
      .optional()
      .describe(
        'Labels that its pod has, or its node: all of them, and where there are objects one of these as ' +
          'well. `*` in a value stands for any characters.',
      ),
    clusters: z
      .array(pattern)
      .min(1)
      .max(50)
      .default(['*'])
      .describe('Names of clusters; `*` stands for any characters. Default: all.'),
    reason: z.string().min(1).max(300).describe('Why the finding is accepted.'),
    owner: z.string().min(1).max(100).describe('Who is responsible for it.'),
    expires: z.iso.date().describe('The last day it applies, in UTC.'),
  })
  .refine(
    ({ objects, labels }) => objects !== undefined || labels !== undefined,
    "Name objects, labels or both; objects: ['*'] means all.",
  )
  .meta({ anyOf: [{ required: ['objects'] }, { required: ['labels'] }] });
export type Exception = z.infer<typeof exceptionSchema>;

/** Step Functions passes at most 256 KiB from one state to the next. */
const LARGEST_BYTES = 100_000;

export const exceptionsSchema = z
  .array(exceptionSchema)
  .max(200)
  .refine(
    (exceptions) => Buffer.byteLength(JSON.stringify(exceptions)) <= LARGEST_BYTES,
    `All exceptions together have at most ${LARGEST_BYTES.toLocaleString('en-US')} bytes.`,
  );

/** What one run saw of one exception, for the checks about exceptions. */
export type ExceptionUse = {
  readonly exception: Exception;
  readonly expired: boolean;
  /** Names of the findings that it matches, as reports print them; empty if there are none. */
  readonly covers: readonly string[];
  /** True if no check has that name. */
  readonly unknownCheck: boolean;
  /** Why this run cannot tell whether it is unused; null if it can. */
  readonly blind: string | null;
};
