/** Clean folders to install the package in, as its users do. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Outside the clone: nothing of its packages may be found from there. */
export const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'netns-auditor-package-')));

const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

/** @throws the command's output if it fails */
export function run(command: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** A new project with the package in it. */
export function project(name: string, others: readonly string[] = []): string {
  const folder = join(scratch, name);
  write(folder, { 'package.json': '{ "private": true }' });
  install(folder, others);
  return folder;
}

export function install(folder: string, others: readonly string[]): void {
  run('npm', ['install', '--silent', '--no-audit', '--no-fund', inject('packed'), ...others], folder);
}

/** @param files - their content by path below the folder */
export function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
