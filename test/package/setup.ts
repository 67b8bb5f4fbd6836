/** Runs once for all tests of the package: it is built and packed, as for a release. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The file that `npm publish` would send. */
    packed: string;
  }
}

export function setup(project: TestProject): () => void {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const scratch = mkdtempSync(join(tmpdir(), 'netns-auditor-packed-'));
  execFileSync(process.execPath, ['scripts/build-package.ts'], { cwd: root, stdio: 'inherit' });
  const name = execFileSync('npm', ['pack', './dist', '--silent', '--pack-destination', scratch], {
    cwd: root,
    encoding: 'utf8',
  });
  project.provide('packed', join(scratch, name.trim()));
  return () => rmSync(scratch, { recursive: true, force: true });
}
