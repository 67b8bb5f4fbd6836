/** AWS on this machine: moto_server, reached with real HTTP and the real SDK. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** False if moto is not installed: those tests are skipped, and say so. */
export const hasMoto = installed();

export type Moto = { readonly endpoint: string; stop(): Promise<void> };

/**
 * Starts moto on a free port and points the SDK at it through the environment of this process.
 * @param environment - further variables for moto itself
 */
export async function startMoto(environment: Readonly<Record<string, string>> = {}): Promise<Moto> {
  const port = await freePort();
  const server = spawn('moto_server', ['-p', String(port)], {
    stdio: 'ignore',
    // Pages of S3 listings, of 1,000 keys by default.
    env: { ...process.env, MOTO_S3_DEFAULT_MAX_KEYS: '10', ...environment },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  await answers(`${endpoint}/moto-api/data.json`, server);
  return {
    endpoint,
    async stop() {
      if (server.exitCode !== null) return;
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    },
  };
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  const end = Date.now() + 60_000;
  while (Date.now() < end && server.exitCode === null) {
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`moto_server does not answer at ${url}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function installed(): boolean {
  try {
    execFileSync('moto_server', ['--help'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      '\n*** moto_server is not installed: the tests against S3, SNS and Step Functions are SKIPPED ***\n',
    );
    return false;
  }
}
