/** What functions that speak to clusters share. */
import type { Context } from 'aws-lambda';
import type { Connections } from '../lib/audit/fleet/connections.ts';
import { readSecret } from '../lib/cluster/secret.ts';

/** Kept back of a function's time, to remove pods, write what is done and answer. */
const RESERVE_MILLISECONDS = 45_000;

export function connections(version: string): Connections {
  return { version, readSecret };
}

/** Aborted while there is still time to clean up. */
export function timeFor(context: Context): AbortSignal {
  return AbortSignal.timeout(Math.max(1_000, context.getRemainingTimeInMillis() - RESERVE_MILLISECONDS));
}
