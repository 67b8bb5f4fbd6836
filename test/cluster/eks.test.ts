import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eksCredentials, eksToken } from '../../lib/cluster/eks.ts';

const credentials = async () => ({
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
});

function decoded(token: string): URL {
  expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());
}

async function url(region: string, at = '2026-11-23T13:19:35Z'): Promise<URL> {
  return decoded(await eksToken('prod', region, credentials, new Date(at)));
}

function cliIsInstalled(): boolean {
  return spawnSync('aws', ['--version']).status === 0;
}

describe('the token of an EKS cluster', () => {
  it('is the one that `aws eks get-token` makes at the same second', async () => {
    // Recorded: aws eks get-token --cluster-name prod --region eu-west-1, version 1.45.11 of the CLI.
    const recorded = new URL(
      'https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20261123T131935Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=a902b7e03560f7914d322565f84033096d12a5a1e1cc4221b5977ddc780b7f77',
    );
    const made = await url('eu-west-1');
    expect(made.host).toBe(recorded.host);
    expect(Object.fromEntries(made.searchParams)).toEqual(Object.fromEntries(recorded.searchParams));
  });
  it.skipIf(!cliIsInstalled())(
    'is the one that the installed CLI makes now',
    async () => {
      const { stdout } = await promisify(execFile)(
        'aws',
        ['eks', 'get-token', '--cluster-name', 'prod', '--region', 'eu-west-1', '--output', 'json'],
        {
          env: {
            PATH: process.env.PATH,
            HOME: process.env.HOME,
            AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
            AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
            AWS_CONFIG_FILE: '/nonexistent',
            AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
            AWS_EC2_METADATA_DISABLED: 'true',
          },
        },
      );
      const printed = decoded((JSON.parse(stdout) as { status: { token: string } }).status.token);
      const at = printed.searchParams.get('X-Amz-Date') ?? '';
      const made = await url('eu-west-1', at.replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z'));
      expect(made.host).toBe(printed.host);
      expect(Object.fromEntries(made.searchParams)).toEqual(Object.fromEntries(printed.searchParams));
    },
    60_000,
  );

  it('asks the STS of the partition', async () => {
    expect((await url('cn-north-1')).host).toBe('sts.cn-north-1.amazonaws.com.cn');
    expect((await url('us-gov-west-1')).host).toBe('sts.us-gov-west-1.amazonaws.com');
  });
});

describe('a connection to an EKS cluster', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  /** DescribeCluster answers with this. */
  async function eksAnswers(cluster: unknown): Promise<() => void> {
    const server = createServer((_, response) => response.end(JSON.stringify({ cluster })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    vi.stubEnv('AWS_ENDPOINT_URL_EKS', `http://127.0.0.1:${port}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    return () => server.close();
  }

  it('makes a token anew before the old one ends, and not with each request', async () => {
    const close = await eksAnswers({
      endpoint: 'https://prod.example',
      certificateAuthority: { data: Buffer.from('ca').toString('base64') },
    });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-23T02:00:00Z') });
    const { credentials } = await eksCredentials({ name: 'prod', region: 'eu-west-1' });
    const signedAt = async (minute: number): Promise<string | null> => {
      vi.setSystemTime(Date.parse('2026-11-23T02:00:00Z') + minute * 60_000);
      const { authorization } = await credentials.headers();
      return decoded(String(authorization).replace('Bearer ', '')).searchParams.get('X-Amz-Date');
    };
    expect(await signedAt(0)).toBe('20261123T020000Z');
    expect(await signedAt(9)).toBe('20261123T020000Z');
    // The token is valid for 14 minutes.
    expect(await signedAt(11)).toBe('20261123T021100Z');
    expect(credentials.server).toBe('https://prod.example');
    close();
  });

  it('says so where the cluster has no endpoint yet', async () => {
    const close = await eksAnswers({ status: 'CREATING' });
    await expect(eksCredentials({ name: 'prod', region: 'eu-west-1' })).rejects.toMatchObject({
      code: 'AWS',
      retryable: true,
      message: expect.stringContaining('CREATING'),
    });
    close();
  });
});
