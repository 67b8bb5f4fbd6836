import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives the tests of a run a temporary folder of their own, and removes it with all that they left in it. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'netns-audit-tests-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
