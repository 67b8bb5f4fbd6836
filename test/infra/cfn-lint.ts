/** cfn-lint, where it is installed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** False if it is not installed: those tests are skipped, and say so. */
export const hasCfnLint = installed();

function installed(): boolean {
  try {
    execFileSync('cfn-lint', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      '\n*** cfn-lint is not installed: the templates are NOT checked (pip install cfn-lint) ***\n',
    );
    return false;
  }
}

/** cfn-lint's output for a template; empty is good. */
export function lint(name: string, text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'netns-auditor-')), name);
  writeFileSync(file, text);
  try {
    // W3005: CDK states dependencies that a reference implies.
    return execFileSync('cfn-lint', ['--ignore-checks', 'W3005', '--', file], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
