/**
 * Checks whether a change left reports the same: `npm run compare:reports REF [EVIDENCE...]` analyzes the
 * same evidence with the code of a commit and with the code in this folder, and compares the reports byte by
 * byte. Default for EVIDENCE: the demo's nodes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Number of differences listed for each report. */
const NAMED = 10;

/** Where two JSON values differ, and how: `findings[3].title: "a" → "b"`. */
export function differences(before: unknown, after: unknown, at = ''): string[] {
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      differences(before[key], after[key], Array.isArray(before) ? `${at}[${key}]` : `${at}.${key}`),
    );
  const [was, is] = [JSON.stringify(before) ?? 'nothing', JSON.stringify(after) ?? 'nothing'];
  return was === is ? [] : [`${at.replace(/^\./, '')}: ${was.slice(0, 200)} → ${is.slice(0, 200)}`];
}

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** @throws Error if the evidence cannot be analyzed */
function reportOf(folder: string, evidence: string): string {
  const args = ['bin/netns-audit.ts', 'analyze', evidence, '-o', 'json', '--quiet', '--fail-on', 'never'];
  const ran = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 30 });
  // 3: parts of the evidence are missing, both before and after.
  if (ran.status !== 0 && ran.status !== 3) throw new Error(`${evidence}: ${ran.stderr.trim()}`);
  return ran.stdout;
}

function compareWith(folder: string, paths: readonly string[]): boolean {
  let same = 0;
  for (const path of paths) {
    const [before, after] = [reportOf(folder, path), reportOf(ROOT, path)];
    if (before === after) {
      same += 1;
      continue;
    }
    const found = differences(JSON.parse(before), JSON.parse(after));
    console.log(`${path}\n${found.slice(0, NAMED).join('\n') || 'the same values, written otherwise'}`);
    if (found.length > NAMED) console.log(`and ${found.length - NAMED} more`);
  }
  console.log(`${same} of ${paths.length} reports are the same to the byte`);
  return same === paths.length;
}

if (import.meta.main) {
  const [ref, ...given] = process.argv.slice(2);
  if (ref === undefined) {
    console.error('Usage: npm run compare:reports REF [EVIDENCE...]');
    process.exit(2);
  }
  const paths =
    given.length > 0 ? given.map((path) => resolve(path)) : globSync(join(ROOT, 'demo/*.tar.gz')).toSorted();
  const place = mkdtempSync(join(tmpdir(), 'netns-audit-before-'));
  const folder = join(place, 'code');
  try {
    execFileSync('git', ['worktree', 'add', '--quiet', '--detach', folder, ref], { cwd: ROOT });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    process.exitCode = compareWith(folder, paths) ? 0 : 1;
  } finally {
    spawnSync('git', ['worktree', 'remove', '--force', folder], { cwd: ROOT });
    rmSync(place, { recursive: true, force: true });
  }
}
