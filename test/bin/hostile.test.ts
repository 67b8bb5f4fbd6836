/** Text from outside reaches a terminal as text only, whichever command prints it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explain, tryingAgain } from '../../bin/exit.ts';
import { progressOn } from '../../bin/progress.ts';
import { AuditError } from '../../lib/model/errors.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { run, type Said } from './run.ts';

/** ESC, BEL, CR, a C1 control, a direction mark, and a forged line. */
const HOSTILE = 'no\u001b]0;owned\u0007\u001b[2J\rnetns-audit: all is well\u009b31m\u202etxt.exe';
const RAW = /(?!\n)\p{Cc}|[\p{Cf}\p{Zl}\p{Zp}]/u;

let stub: StubApiServer;
let directory: string;
let kubeconfig: string;

beforeEach(async () => {
  stub = await StubApiServer.start();
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-hostile-'));
  kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, stub.kubeconfig());
});
afterEach(async () => {
  await stub.close();
  await rm(directory, { recursive: true });
});

function expectText({ out, error }: Said, words = 'owned'): void {
  expect(out + error).toContain(words);
  expect(out).not.toMatch(RAW);
  expect(error).not.toMatch(RAW);
}

const commands: [string, string[]][] = [
  ['audit', ['audit', '--store', 'none']],
  ['audit --pod', ['audit', '--store', 'none', '--pod', 'shop/web']],
  ['doctor', ['doctor', '--store', 'none']],
  ['sweep', ['sweep']],
];

describe.each(commands)('%s', (_, args) => {
  const told = (): Promise<Said> => run(...args, '--kubeconfig', kubeconfig);

  it.each([401, 403, 422])('shows as text what an API server says with %i', async (status) => {
    stub.fail({ path: '/', status, message: HOSTILE, times: 1_000 });
    expectText(await told());
  });

  it('shows as text what a page says that answers in its place', async () => {
    stub.fail({ path: '/', status: 502, page: HOSTILE, times: 1 });
    stub.fail({ path: '/', status: 404, page: HOSTILE, times: 1_000 });
    expectText(await told());
  });

  it('shows as text what a plugin of the kubeconfig complains of', async () => {
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'sh',
      args: ['-c', `printf 'owned\\033]0;x\\007\\r\\302\\233' >&2; exit 1`],
      interactiveMode: 'Never',
    };
    await writeFile(kubeconfig, stub.kubeconfig({ user: { exec } }));
    expectText(await told());
  });

  it('shows as text the name of a context', async () => {
    await writeFile(
      kubeconfig,
      stub
        .kubeconfig()
        .replaceAll('"current-context":"stub"', `"current-context":${JSON.stringify(HOSTILE)}`),
    );
    expectText(await told());
  });
});

it('sweep shows as text the names of what it removed', async () => {
  stub.pods.set(`netns-audit/${encodeURIComponent(HOSTILE)}`, {
    metadata: {
      name: HOSTILE,
      namespace: 'netns-audit',
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { 'app.kubernetes.io/name': 'netns-auditor', 'netns-auditor/run': 'r' },
    },
    spec: { containers: [] },
    status: { phase: 'Running' },
  });
  expectText(await run('sweep', '--all', '--kubeconfig', kubeconfig));
});

it('audit shows as text the names, and what was said, of nodes', async () => {
  stub.nodes.push({
    metadata: { name: HOSTILE, uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: {
      conditions: [{ type: 'Ready', status: 'Unknown', message: HOSTILE }],
      nodeInfo: {
        operatingSystem: 'linux',
        architecture: 'amd64',
        kernelVersion: HOSTILE,
        osImage: HOSTILE,
        containerRuntimeVersion: HOSTILE,
        kubeletVersion: HOSTILE,
      },
    },
  });
  expectText(await run('audit', '--store', 'none', '--kubeconfig', kubeconfig));
  expectText(await run('audit', '--store', 'none', '--nodes', 'other', '--kubeconfig', kubeconfig));
});

it('what was typed is text, too, where it is repeated', async () => {
  expectText(await run(HOSTILE));
  expectText(await run('audit', `--${HOSTILE}`));
});

describe('errors', () => {
  const error = new AuditError('CLUSTER_API', HOSTILE, { remedy: HOSTILE });

  it('are text: what happened, what to do, and the stack of a fault of our own', () => {
    for (const text of [explain(error), explain(new Error(HOSTILE)), explain(HOSTILE), tryingAgain(error)]) {
      expect(text).toContain('owned');
      expect(text).not.toMatch(RAW);
    }
  });

  it('keep the lines that they were written with', () => {
    const two = new AuditError('CONFIG_INVALID', 'first\nsecond', { remedy: 'do' });
    expect(explain(two)).toBe('netns-audit: first\nsecond\n  do\n');
  });
});

it('what is said while a run works is text', () => {
  let said = '';
  const stream = { isTTY: false, write: (text: string) => (said += text) } as unknown as NodeJS.WriteStream;
  const progress = progressOn(stream, { quiet: false, colour: false });
  progress.say(HOSTILE);
  progress.show({ kind: 'swept', pods: [HOSTILE] });
  expect(said).toContain('owned');
  expect(said).not.toMatch(RAW);
});
