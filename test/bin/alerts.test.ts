import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { StubApiServer } from '../stub/api-server.ts';
import { run, type Said } from './run.ts';

/** A cluster whose only node never answers, and a webhook. */
async function aCluster(destinations: (url: string) => object[]) {
  const directory = await mkdtemp(join(tmpdir(), 'netns-audit-alerts-'));
  const stub = await StubApiServer.start();
  const got: string[] = [];
  const hook = createServer((request, response) => {
    request.on('data', (part: Buffer) => got.push(part.toString()));
    request.on('end', () => response.writeHead(hook.listenerCount('refuse') > 0 ? 403 : 204).end());
  });
  hook.listen(0, '127.0.0.1');
  await once(hook, 'listening');
  onTestFinished(async () => {
    hook.close();
    await stub.close();
    await rm(directory, { recursive: true });
  });
  const address = hook.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  stub.nodes.push({
    metadata: { name: 'node-1', labels: {}, uid: 'uid-1', creationTimestamp: '2026-01-01T00:00:00Z' },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: {
        operatingSystem: 'linux',
        architecture: 'amd64',
        kernelVersion: '6.1.0',
        osImage: 'Test',
        containerRuntimeVersion: 'containerd://2.0.0',
        kubeletVersion: 'v1.33.0',
      },
    },
  });
  await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig());
  const file = join(directory, 'netns-audit.yaml');
  await writeFile(file, JSON.stringify({ destinations: destinations(`http://127.0.0.1:${address.port}`) }));
  const audit = async (...args: string[]): Promise<Said> =>
    await run(
      ...['audit', '--kubeconfig', join(directory, 'kubeconfig'), '--store', join(directory, 'store')],
      ...['--deadline', '5s', '--alerts', file, ...args],
    );
  /** Signs in as the service account of a pod from now on. */
  const movedIntoPod = async (): Promise<void> => {
    const folder = join(directory, 'run/secrets/kubernetes.io/serviceaccount');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'token');
    const user = { tokenFile: join(folder, 'token') };
    await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig({ user }));
    vi.stubEnv('POD_NAMESPACE', 'tools');
    vi.stubEnv('POD_NAME', 'auditor-1-x');
    onTestFinished(() => void vi.unstubAllEnvs());
  };
  return { audit, got, hook, movedIntoPod };
}

it('an audit tells what changed, once, and says whom it told', async () => {
  const { audit, got } = await aCluster((url) => [{ kind: 'webhook', name: 'team', url }]);
  const first = await audit();
  expect(first.error).toContain('Alerts sent to webhook team.');
  expect(JSON.parse(got[0] ?? '')).toMatchObject({ kind: 'Alert', cluster: { uid: expect.any(String) } });
  const second = await audit();
  expect(second.error).toContain('Nothing new to send to webhook team.');
  expect(got).toHaveLength(1);
});

it('an audit in a pod leads to its log, as nobody else reads its volume', async () => {
  const { audit, got, movedIntoPod } = await aCluster((url) => [{ kind: 'webhook', name: 'team', url }]);
  await movedIntoPod();
  const { error, out } = await audit();
  expect(error).toMatch(/^Kept in .*store as run \S+\.$/m);
  expect(`${error}${out}`).not.toMatch(/As a page|file:\/\/|--active/);
  expect(JSON.parse(got[0] ?? '')).toMatchObject({
    report: { command: 'kubectl -n tools logs auditor-1-x' },
  });
});

it('an audit whose destination takes nothing ends with 5, and says what to do; the report is printed all the same', async () => {
  const { audit, hook } = await aCluster((url) => [
    { kind: 'webhook', name: 'team', url: `${url}/secret-path` },
  ]);
  hook.on('refuse', () => null);
  const { code, error, out } = await audit();
  expect(code).toBe(5);
  expect(error).toContain('webhook team did not take the message: it answered 403\n  Check its URL');
  expect(error).not.toContain('secret-path');
  expect(out).toContain('node-1');
});

it('a secret that is missing, and what cannot be told of, is said before anything is probed', async () => {
  const { audit } = await aCluster(() => [{ kind: 'slack', name: 'team', url: { env: 'NO_SUCH_VARIABLE' } }]);
  expect(await audit()).toMatchObject({
    code: 2,
    error: expect.stringContaining('NO_SUCH_VARIABLE is not set'),
  });
  for (const more of [
    ['--nodes', 'node-1'],
    ['--store', 'none'],
  ])
    expect(await audit(...more)).toMatchObject({ code: 2, error: expect.stringContaining('--alerts') });
});
