/** The step of the GitHub Action as a runner runs it, with the program of this clone instead of npx. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { StubApiServer } from '../stub/api-server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const action = z
  .object({
    inputs: z.record(z.string(), z.object({ description: z.string(), default: z.string() })),
    outputs: z.record(z.string(), z.object({ value: z.string() })),
    runs: z.object({
      using: z.literal('composite'),
      steps: z.tuple([
        z.object({
          id: z.literal('audit'),
          shell: z.literal('bash'),
          env: z.record(z.string(), z.string()),
          run: z.string(),
        }),
      ]),
    }),
  })
  .parse(parse(readFileSync(join(root, 'action.yml'), 'utf8')));
const [step] = action.runs.steps;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

let stub: StubApiServer;
let directory: string;
beforeEach(async () => {
  stub = await StubApiServer.start();
  directory = mkdtempSync(join(tmpdir(), 'netns-audit-action-'));
  mkdirSync(join(directory, 'bin'));
  writeFileSync(join(directory, 'kubeconfig'), stub.kubeconfig());
  writeFileSync(
    join(directory, 'bin/npx'),
    `#!/bin/sh\nprintf '%s\\n' "$@" > '${directory}/typed'\nshift 2\nexec '${process.execPath}' '${root}bin/netns-audit.js' "$@"\n`,
  );
  chmodSync(join(directory, 'bin/npx'), 0o755);
});
afterEach(async () => {
  await stub.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs the step with these inputs; the others have the action's defaults. */
async function runStep(inputs: Record<string, string>): Promise<{ code: number; log: string }> {
  const given = Object.entries(step.env).map(([name, value]) => {
    const [, input] = /^\$\{\{ inputs\.([a-z-]+) \}\}$/.exec(value) ?? [];
    return [name, input === undefined ? root : (inputs[input] ?? action.inputs[input]?.default ?? '')];
  });
  const env = {
    ...Object.fromEntries(given),
    PATH: `${join(directory, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: directory,
    KUBECONFIG: join(directory, 'kubeconfig'),
    RUNNER_TEMP: directory,
    GITHUB_OUTPUT: join(directory, 'output'),
    GITHUB_STEP_SUMMARY: join(directory, 'summary.md'),
  };
  // As the runner starts a shell of `bash`.
  const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run];
  try {
    const { stdout } = await promisify(execFile)('bash', args, { env, cwd: directory });
    return { code: 0, log: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, log: `${stdout}${stderr}` };
  }
}
const written = (name: string): string => readFileSync(join(directory, name), 'utf8');

describe('the GitHub Action', () => {
  it('audits the cluster of the kubeconfig with the version it is of, and makes the report the summary', async () => {
    const { code, log } = await runStep({});
    expect([code, log]).toEqual([0, expect.stringContaining('healthy')]);
    expect(written('summary.md')).toBe(log);
    expect(written('typed').split('\n').slice(0, 2)).toEqual(['--yes', `netns-auditor@${version}`]);
    expect(written('output')).toBe(
      `exit-code=0\nreport=${directory}/netns-audit.md\nstore=${directory}/netns-audit\n`,
    );
  }, 180_000);

  it('fails the job with the exit code of the program, and says it in its output', async () => {
    await stub.close();
    expect((await runStep({})).code).toBe(4);
    expect(written('output')).toContain('exit-code=4\n');
  }, 180_000);

  it('divides arguments at spaces, and reads nothing in them as a part of the script', async () => {
    const { code } = await runStep({ arguments: '--concurrency 3 $(id) * ;', version: '1.2.3' });
    expect(code).toBe(2);
    expect(written('typed')).toContain('\n--concurrency\n3\n$(id)\n*\n;\n');
    expect(written('typed')).toContain('netns-auditor@1.2.3\n');
  }, 180_000);

  it('has every input in the step and every output from it', () => {
    for (const input of Object.keys(action.inputs))
      expect(Object.values(step.env)).toContain(`\${{ inputs.${input} }}`);
    for (const output of Object.keys(action.outputs)) expect(step.run).toContain(`${output}=`);
  });
});
