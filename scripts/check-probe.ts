/**
 * Checks the parts of the probe and of repairs with shellcheck and `perl -c`, if these are installed, and
 * says so if they are not.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { REPAIR_PARTS } from '../lib/probe/repair-script.ts';
import { PARTS } from '../lib/probe/script.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PROBE = 'lib/probe/probe/';
const REPAIR = 'lib/probe/repair/';
const text = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');

/** Warnings that do not apply here. */
const EXCLUDED = [
  // `-ef` is not in POSIX, but every sh in a probe image has it.
  'SC3013',
  // Files of the probe are named like commands (jobs, stacks, …) or keywords (done).
  'SC2238',
  'SC1010',
];

/** @returns warnings as FILE:LINE: TEXT; null if the program is not installed */
function shellcheck(files: readonly string[]): readonly string[] | null {
  // Checked as one text, as a part uses functions and variables of earlier parts.
  const lines = files.flatMap((file) =>
    text(file)
      .trimEnd()
      .split('\n')
      .map((line, index) => ({ line, place: `${file}:${index + 1}` })),
  );
  const ran = spawnSync(
    'shellcheck',
    ['--shell=sh', '--severity=warning', `--exclude=${EXCLUDED.join(',')}`, '--format=json', '-'],
    { input: lines.map(({ line }) => line).join('\n'), encoding: 'utf8' },
  );
  if (ran.error !== undefined) return null;
  if (ran.status !== 0 && ran.status !== 1) return [`shellcheck: ${ran.stderr}`];
  const warnings = JSON.parse(ran.stdout) as { line: number; code: number; message: string }[];
  return warnings.map(
    ({ line, code, message }) => `${lines[line - 1]?.place ?? files.join()}: ${message} (SC${code})`,
  );
}

/** @returns perl's messages about a program that does not compile; null if perl is not installed */
function perl(file: string): readonly string[] | null {
  const ran = spawnSync('perl', ['-c', file], { cwd: ROOT, encoding: 'utf8' });
  if (ran.error !== undefined) return null;
  return ran.status === 0 ? [] : [`${file}: ${ran.stderr.trim()}`];
}

const looks: Readonly<Record<string, readonly (readonly string[] | null)[]>> = {
  shellcheck: [
    shellcheck(PARTS.map((part) => `${PROBE}${part}`)),
    shellcheck([`${PROBE}inside.sh`]),
    shellcheck(REPAIR_PARTS.map(([folder, part]) => `lib/probe/${folder.slice(2)}${part}`)),
  ],
  perl: [PROBE, REPAIR].flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`)
      .filter((file) => file.endsWith('.pl'))
      .map((file) => perl(`${folder}${file}`)),
  ),
};
for (const [program, found] of Object.entries(looks)) {
  if (found.includes(null))
    console.warn(`Skipped: ${program} is not installed, so nothing looked through ${PROBE} and ${REPAIR}`);
  for (const warning of found.flatMap((each) => each ?? [])) {
    console.error(warning);
    process.exitCode = 1;
  }
}
