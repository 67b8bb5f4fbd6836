import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../bin/main.ts';
import { podsOfTheAudit, serveRecording } from '../audit/recorded.ts';
import { StubApiServer } from '../stub/api-server.ts';

const arnOf = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}`;
const secrets = new Map<string, string>();
/** Secrets Manager, limited to a kubeconfig. */
const secretsManager = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { SecretId } = JSON.parse(body) as { SecretId: string };
  const SecretString = secrets.get(SecretId);
  response.writeHead(SecretString === undefined ? 400 : 200, {
    'content-type': 'application/x-amz-json-1.1',
  });
  response.end(
    JSON.stringify(SecretString === undefined ? { __type: 'ResourceNotFoundException' } : { SecretString }),
  );
});

let directory: string;
let stubs: StubApiServer[];

beforeAll(async () => {
  secretsManager.listen(0, '127.0.0.1');
  await once(secretsManager, 'listening');
  const { port } = secretsManager.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterAll(() => {
  vi.unstubAllEnvs();
  secretsManager.close();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-fleet-'));
  stubs = [];
});
afterEach(async () => {
  await Promise.all(stubs.map((stub) => stub.close()));
  await rm(directory, { recursive: true });
});

async function aCluster(name: string, recording: 'healthy' | 'broken'): Promise<StubApiServer> {
  const stub = await StubApiServer.start();
  stubs.push(stub);
  await serveRecording(stub, recording);
  secrets.set(arnOf(name), stub.kubeconfig());
  return stub;
}

async function config(...names: string[]): Promise<string> {
  const file = join(directory, 'netns-audit.yaml');
  const clusters = names.map((name) => ({ name, kubeconfigSecret: arnOf(name) }));
  await writeFile(file, JSON.stringify({ clusters }));
  return file;
}

type Said = { readonly out: string; readonly error: string; readonly code: unknown };

async function fleet(...args: string[]): Promise<Said> {
  const said = { out: '', error: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      said[stream === 'stdout' ? 'out' : 'error'] += String(text);
      return true;
    }),
  );
  process.exitCode = 0;
  try {
    await main(['fleet', ...args]);
    return { ...said, code: process.exitCode };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
}

describe('netns-audit fleet', () => {
  it('says once a cluster that nobody answers and it is tried again', async () => {
    const prod = await aCluster('prod', 'healthy');
    secrets.set(arnOf('silent'), prod.kubeconfig({ server: 'https://127.0.0.1:1' }));
    const { error } = await fleet('--config', await config('prod', 'silent'), '--store', 'none');
    expect(error.split('\n').filter((line) => line.includes('trying again'))).toEqual([
      'silent: no answer from the API server https://127.0.0.1:1: ECONNREFUSED; trying again.',
    ]);
  }, 20_000);

  it('audits all clusters of the configuration, and ends in the code of the worst', async () => {
    const prod = await aCluster('prod', 'broken');
    const stage = await aCluster('stage', 'healthy');
    const store = join(directory, 'store');
    const { out, error, code } = await fleet('--config', await config('prod', 'stage'), '--store', store);
    expect(out).toMatch(/^CLUSTER {2}VERDICT +CRITICAL/);
    expect(out).toMatch(/\nprod +critical +[1-9]/);
    expect(out).toMatch(/\nstage +healthy +0 +0 +0 +0 +0 +0 +1 +0 +0\n$/);
    expect(code).toBe(1);
    expect(error).toContain('prod: auditing, nodes: 1');
    expect([prod, stage].flatMap(podsOfTheAudit)).toEqual([]);
    // What the steps pass to each other is not kept, and nobody was notified: sending the alert is left to
    // the caller.
    expect((await readdir(store)).toSorted()).toEqual([
      // Where files are written before they appear complete.
      '.parts',
      'evidence',
      'findings',
      'fleet',
      'latest',
      'nodes',
      'reports',
    ]);
    expect((await readdir(join(store, 'reports'))).toSorted()).toEqual(['cluster=prod', 'cluster=stage']);
  });

  it('compares with the run before', async () => {
    await aCluster('prod', 'broken');
    const args = ['--config', await config('prod'), '--store', join(directory, 'store'), '-o', 'json'];
    const newOnes = ({ out }: Said): number => JSON.parse(out).clusters[0].new;
    expect(newOnes(await fleet(...args))).toBeGreaterThan(0);
    expect(newOnes(await fleet(...args))).toBe(0);
  });

  it('says which cluster cannot be reached and why, audits the others, and keeps nothing where it is told so', async () => {
    await aCluster('stage', 'healthy');
    const { out, error, code } = await fleet('--config', await config('gone', 'stage'), '--store', 'none');
    expect(out).toMatch(/\ngone +unreachable/);
    expect(out).toMatch(/\nstage +healthy/);
    expect(error).toMatch(/gone: secret arn:.*gone.*[^.]\. [A-Z].*secretsmanager:GetSecretValue/);
    expect(code).toBe(4);
  });

  it('takes some of the clusters, by names that the configuration has', async () => {
    await aCluster('stage', 'healthy');
    const file = await config('gone', 'stage');
    expect(await fleet('--config', file, '--store', 'none', '--cluster', 'stage')).toMatchObject({ code: 0 });
    expect(await fleet('--config', file, '--cluster', 'stge')).toMatchObject({
      code: 2,
      error: expect.stringMatching(/no cluster stge[\s\S]*It has: gone, stage/),
    });
    expect(await fleet('--config', join(directory, 'none.yaml'))).toMatchObject({
      code: 2,
      error: expect.stringContaining('none.yaml'),
    });
  });

  it('removes its pods when it is interrupted, and reports nothing', async () => {
    const stub = await aCluster('prod', 'healthy');
    stub.ending = () => ({ never: true });
    const store = join(directory, 'store');
    const running = fleet('--config', await config('prod'), '--store', store);
    await expect.poll(() => podsOfTheAudit(stub), { timeout: 20_000 }).toHaveLength(1);
    process.emit('SIGINT');
    expect(await running).toMatchObject({ code: 130, out: '' });
    expect(podsOfTheAudit(stub)).toEqual([]);
    expect(await readdir(directory)).not.toContain('reports');
  });
});
