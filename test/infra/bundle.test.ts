/** What the functions' bundles leave out, as their packages load it only where no function runs. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { NEVER_LOADED } from '../../lib/infra/bundle.ts';

/** Calls a local server as undici does, and as an AWS client does with the credentials of the environment. */
const CODE = `
  import { createServer } from 'node:http';
  import { request } from 'undici';
  import { S3Client, GetObjectCommand } from '@aws-sdk/client-s3';
  const server = createServer((asked, answer) => answer.end(asked.headers.authorization ?? 'plain'));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const endpoint = 'http://127.0.0.1:' + server.address().port;
  const plain = await request(endpoint);
  console.log(await plain.body.text());
  const client = new S3Client({ endpoint, region: 'eu-west-1', forcePathStyle: true });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'a-bucket', Key: 'key' }));
  console.log(await Body.transformToString());
  server.closeAllConnections();
  server.close();
`;

it('lets a function ask Kubernetes and AWS without the parts that are never loaded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netns-auditor-bundle-'));
  try {
    const outfile = join(folder, 'index.mjs');
    buildSync({
      stdin: { contents: CODE, resolveDir: fileURLToPath(new URL('../../', import.meta.url)) },
      outfile,
      bundle: true,
      external: NEVER_LOADED,
      platform: 'node',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    });
    const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example', NO_PROXY: '*' };
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], { env });
    expect(stdout).toMatch(/^plain\nAWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\//);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
