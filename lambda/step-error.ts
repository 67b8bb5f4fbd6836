/** How Step Functions hands on the error that ended a state. */
import * as z from 'zod';
import type { Failure } from '../lib/audit/fleet/conclude-cluster.ts';

/** `ErrorOutput` of Amazon States Language: what `Catch` leaves in the state's input. */
export const stepErrorSchema = z.object({ Error: z.string(), Cause: z.string().optional() });

/** In `Cause`, a function's error is JSON with an `errorMessage`; an error of the service is plain text. */
export function failureOf({ Error: code, Cause: cause = '' }: z.output<typeof stepErrorSchema>): Failure {
  return { code, message: messageIn(cause) };
}

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
