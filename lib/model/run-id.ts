/** Names of runs. */
import { createHash } from 'node:crypto';

/**
 * Sorts by time and contains no `:` (S3 consoles and tar take it for a host). `salt` distinguishes runs of
 * the same second.
 */
export function newRunId(at: Date, salt: string): string {
  const time = at.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${createHash('sha256').update(`${at.toISOString()} ${salt}`).digest('hex').slice(0, 8)}`;
}

/** Whether a text is the name of a run, and so safe as part of a path. */
export function isRunId(text: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-z]{1,64}$/.test(text) && !Number.isNaN(Date.parse(timeOf(text)));
}

/** The day of a run: its partition in the store, `YYYY-MM-DD`. */
export function dayOf(runId: string): string {
  return `${runId.slice(0, 4)}-${runId.slice(4, 6)}-${runId.slice(6, 8)}`;
}

/** When a run was due, as an ISO time. */
export function timeOf(runId: string): string {
  return `${dayOf(runId)}T${runId.slice(9, 11)}:${runId.slice(11, 13)}:${runId.slice(13, 15)}.000Z`;
}
