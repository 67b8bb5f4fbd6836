import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connect } from '../../lib/cluster/index.ts';
import { StubApiServer } from '../stub/api-server.ts';

let stub: StubApiServer;
let kubeconfig: string;

beforeEach(async () => {
  stub = await StubApiServer.start();
  kubeconfig = join(await mkdtemp(join(tmpdir(), 'netns-auditor-')), 'kubeconfig');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stub.close();
});

it('of a kubeconfig is sent, before a token there, and read again when it has changed', async () => {
  await writeFile(kubeconfig, stub.kubeconfig({ user: { tokenFile: 'token', token: 'older' } }));
  const token = join(dirname(kubeconfig), 'token');
  await writeFile(token, 'first\n');
  const cluster = await connect({ kind: 'kubeconfig', file: kubeconfig }, { version: '0.0.0' });
  expect(stub.headers.authorization).toBe('Bearer first');
  await writeFile(token, 'second');
  await cluster.transport.json({ path: '/version', what: 'read the version' });
  expect(stub.headers.authorization).toBe('Bearer second');
  await cluster.transport.close();
});

it('of the kubeconfig in $KUBECONFIG is sent', async () => {
  await writeFile(kubeconfig, stub.kubeconfig({ user: { tokenFile: './token' } }));
  await writeFile(join(dirname(kubeconfig), 'token'), 'first');
  vi.stubEnv('KUBECONFIG', kubeconfig);
  const cluster = await connect({ kind: 'kubeconfig' }, { version: '0.0.0' });
  await cluster.transport.close();
  expect(stub.headers.authorization).toBe('Bearer first');
});

it.each([
  ['is not there', null, 'no such file'],
  ['is empty', ' \n', 'it is empty'],
  ['is no token', 's3cr3t\nline', 'it holds no token'],
])('that %s is said, and nothing is asked without it', async (_, text, said) => {
  await writeFile(kubeconfig, stub.kubeconfig({ user: { tokenFile: 'token' } }));
  if (text !== null) await writeFile(join(dirname(kubeconfig), 'token'), text);
  const error: unknown = await connect({ kind: 'kubeconfig', file: kubeconfig }, { version: '0.0.0' }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'CLUSTER_UNAUTHENTICATED', message: expect.stringContaining(said) });
  expect(error).toMatchObject({ message: expect.stringContaining(join(dirname(kubeconfig), 'token')) });
  expect(inspect(error, { depth: 9 })).not.toContain('s3cr3t');
  expect(stub.requests).toEqual([]);
  await rm(dirname(kubeconfig), { recursive: true });
});

it('in a kubeconfig of a secret is refused', async () => {
  const text = stub.kubeconfig({ user: { tokenFile: '/token' } });
  await expect(connect({ kind: 'kubeconfig-text', text }, { version: '0.0.0' })).rejects.toMatchObject({
    code: 'KUBECONFIG_INVALID',
    message: expect.stringContaining('tokenFile'),
  });
});
