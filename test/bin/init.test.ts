import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { run } from './run.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'netns-audit-init-'));
  file = join(folder, 'fleet.yaml');
});
afterEach(() => vi.unstubAllEnvs());

const clustersOf = (path: string): unknown =>
  (parse(readFileSync(path, 'utf8')) as { clusters: unknown }).clusters;

type User = Record<string, unknown>;
const aws = (name: string, region: string, more: string[] = [], env: unknown = null): User => ({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    args: ['--region', region, 'eks', 'get-token', '--cluster-name', name, '--output', 'json', ...more],
    env,
  },
});

/** A kubeconfig with a context for each user. */
function kubeconfig(users: Record<string, User>): string {
  const path = join(folder, 'kubeconfig');
  const names = Object.keys(users);
  writeFileSync(
    path,
    JSON.stringify({
      'current-context': names[0],
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
      users: Object.entries(users).map(([name, user]) => ({ name, user })),
      contexts: names.map((name) => ({ name, context: { cluster: 'c', user: name } })),
    }),
  );
  return path;
}

describe('from a kubeconfig', () => {
  const arn = 'arn:aws:eks:eu-west-1:111122223333:cluster/prod';
  const role = 'arn:aws:iam::111122223333:role/r';

  it('writes its contexts, those of EKS by name and region, and what to do next', async () => {
    vi.stubEnv(
      'KUBECONFIG',
      kubeconfig({
        [arn]: aws('prod', 'eu-west-1'),
        'prod as admin': aws('prod', 'eu-west-1', ['--role-arn', role]),
        again: aws('prod', 'eu-west-1'),
        profile: aws('x', 'eu-west-1', [], [{ name: 'AWS_PROFILE', value: 'p' }]),
        nowhere: aws('x', 'moon-1'),
        kind: { token: 's3cr3t' },
      }),
    );
    const { out, error, code } = await run('init', file);
    expect({ error, code }).toEqual({ error: '', code: 0 });
    expect(clustersOf(file)).toEqual([
      { name: 'prod', eks: { name: 'prod', region: 'eu-west-1' } },
      { name: 'prod-as-admin', eks: { name: 'prod', region: 'eu-west-1', roleArn: role } },
      { name: 'profile', kubeconfig: { context: 'profile' } },
      { name: 'nowhere', kubeconfig: { context: 'nowhere' } },
      { name: 'kind', kubeconfig: { context: 'kind' } },
    ]);
    expect(readFileSync(file, 'utf8')).toContain(`# Contexts ${arn}, again: EKS`);
    expect(readFileSync(file, 'utf8')).not.toContain('s3cr3t');
    expect(out).toContain(`Wrote ${file} with 5 clusters: 2 on EKS, 3 from your kubeconfig.`);
    expect(out).toContain(`netns-audit doctor --config ${file}`);
    expect((await run('config', 'check', file)).code).toBe(0);
  });

  it('takes the contexts that are named, and says which there are', async () => {
    const path = kubeconfig({ a: {}, b: {} });
    expect((await run('init', file, '--kubeconfig', path, '--context', 'b')).code).toBe(0);
    expect(clustersOf(file)).toEqual([{ name: 'b', kubeconfig: { context: 'b', file: path } }]);
    const wrong = await run('init', join(folder, 'other'), '--kubeconfig', path, '--context', 'c');
    expect(wrong.code).toBe(2);
    expect(wrong.error).toContain('the kubeconfig has no context c\n  It has: a, b\n');
  });

  it('never overwrites what is there, unless it is told to', async () => {
    writeFileSync(file, 'mine');
    const path = kubeconfig({ a: {} });
    const { error, code } = await run('init', file, '--kubeconfig', path);
    expect({ code, text: readFileSync(file, 'utf8') }).toEqual({ code: 2, text: 'mine' });
    expect(error).toContain('it is there already\n  Name another file, or overwrite it with --force.\n');
    expect((await run('init', file, '--kubeconfig', path, '--force')).code).toBe(0);
    expect(clustersOf(file)).toHaveLength(1);
  });

  it('writes nothing where there is none', async () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', folder);
    const { error, code } = await run('init', file);
    expect({ code, there: existsSync(file) }).toEqual({ code: 2, there: false });
    expect(error).toContain('no cluster was found');
  });
});

describe('from EKS', () => {
  const clusters: Record<string, Record<string, string>> = { a: { env: 'prod' }, b: { env: 'dev' }, c: {} };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const names = Object.keys(clusters);
    const page = Number(url.searchParams.get('nextToken') ?? 0);
    const [, name] = /^\/clusters\/(.+)$/.exec(url.pathname) ?? [];
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        name === undefined
          ? { clusters: names.slice(page, page + 2), ...(page === 0 ? { nextToken: '2' } : {}) }
          : { cluster: { name, tags: clusters[name] } },
      ),
    );
  });
  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    vi.stubEnv('AWS_ENDPOINT_URL_EKS', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each([
    [[], ['a', 'b', 'c']],
    [['--tag', 'env=prod'], ['a']],
    [
      ['--tag', 'env'],
      ['a', 'b'],
    ],
  ])('with %j writes %j, each with its region', async (tags, names) => {
    const { out, code } = await run('init', file, '--eks', 'eu-west-1', ...tags);
    expect(code).toBe(0);
    expect(clustersOf(file)).toEqual(names.map((name) => ({ name, eks: { name, region: 'eu-west-1' } })));
    expect(out).toContain(`npx cdk deploy -c config=${file}`);
  });

  it('says that there is none with such a tag', async () => {
    const { error, code } = await run('init', file, '--eks', 'eu-west-1', '--tag', 'env=none');
    expect(code).toBe(2);
    expect(error).toContain('No such EKS cluster in eu-west-1.\n');
    expect(existsSync(file)).toBe(false);
  });
});
