/**
 * The store on a real server other than AWS: versitygw, from $VERSITYGW or the PATH
 * (scripts/install-test-tools.sh).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, vi } from 'vitest';
import { S3Store } from '../../lib/history/index.ts';
import { describeStore } from './store-contract.ts';

const program = process.env.VERSITYGW ?? 'versitygw';
const isThere = spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
if (!isThere)
  console.warn(
    '\n*** versitygw is not installed: the store is NOT TESTED on a server that is not of AWS ***\n',
  );

describe.skipIf(!isThere)('the store on another server that speaks S3', () => {
  let server: ChildProcess;
  let directory: string;
  let made = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'netns-audit-s3-'));
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    probe.close();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const keys = { access: 'test', secret: 'test-of-the-store' };
    server = spawn(program, ['--port', `127.0.0.1:${address.port}`, 'posix', directory], {
      stdio: 'ignore',
      env: { ...process.env, ROOT_ACCESS_KEY: keys.access, ROOT_SECRET_KEY: keys.secret },
    });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${address.port}`);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', keys.access);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secret);
    const client = new S3Client({ forcePathStyle: true, maxAttempts: 30 });
    await client.send(new CreateBucketCommand({ Bucket: 'audits' }));
  }, 60_000);

  afterAll(async () => {
    vi.unstubAllEnvs();
    const ended = once(server, 'exit');
    server.kill();
    await ended;
    await rm(directory, { recursive: true });
  });

  describeStore(async () => {
    made += 1;
    const open = () => new S3Store({ bucket: 'audits', prefix: `team-${made}` });
    return { store: open(), other: open() };
  });
});
