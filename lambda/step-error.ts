/** How Step Functions hands on the error that ended a state. */
import * as z from 'zod';
import {
  conclusionSchema,
  failureText,
  fleetConclusionInputSchema,
  type StepFailure,
} from '../lib/audit/fleet/messages.ts';

/** `ErrorOutput` of Amazon States Language: what `Catch` leaves in the state's input. */
export const stepErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });

/**
 * Errors of Step Functions and Lambda that come without an explanation (Step Functions developer guide,
 * "Error names").
 */
const SERVICE_ERRORS: ReadonlyMap<string, string> = new Map([
  ['States.Timeout', 'it took longer than its limit'],
  ['Sandbox.Timedout', 'its function took longer than its limit'],
  ['Runtime.OutOfMemory', 'its function ran out of memory'],
  ['Lambda.TooManyRequestsException', 'too many functions of the account ran at once'],
  ['Lambda.Unknown', 'its function ended without an answer'],
  ['States.DataLimitExceeded', 'an answer was larger than Step Functions can pass on'],
]);

/** In `Cause`, a function's error is JSON with an `errorMessage`; an error of the service is plain text. */
export function failureOf({ Error: code, Cause: cause = '' }: z.output<typeof stepErrorSchema>): StepFailure {
  return { code, message: messageIn(cause) || (SERVICE_ERRORS.get(code) ?? '') };
}

/** What the conclusion of a run is called with: a cluster whose states ended in an error has that of Step Functions. */
export const concludedClustersSchema = fleetConclusionInputSchema.extend({
  clusters: z.array(
    z.union([
      conclusionSchema,
      z
        .object({ cluster: z.string(), error: stepErrorSchema })
        .transform(({ cluster, error }) => ({ cluster, reason: failureText(failureOf(error)) })),
      z.object({ cluster: z.string() }),
    ]),
  ),
});

function messageIn(cause: string): string {
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed)
      return String(parsed.errorMessage);
  } catch {
    // Plain text.
  }
  return cause;
}
