import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ClusterTarget, connect } from '../../lib/cluster/index.ts';
import { AuditError } from '../../lib/model/errors.ts';
import { StubApiServer } from '../stub/api-server.ts';

const certificate = new URL('../stub/test-only.cert.pem', import.meta.url);
let stub: StubApiServer;

beforeEach(async () => {
  stub = await StubApiServer.start();
});
afterEach(async () => {
  await stub.close();
});

/** The outcome of connecting. */
async function attempt(target: ClusterTarget): Promise<{ name: string; uid: string } | AuditError> {
  try {
    const cluster = await connect(target, { version: '0.0.0' });
    await cluster.transport.close();
    return cluster;
  } catch (error) {
    if (error instanceof AuditError) return error;
    throw error;
  }
}

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'netns-auditor-')), 'kubeconfig');
  await writeFile(path, text);
  return path;
}

const exec = (command: string, args: string[] = []) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, args, interactiveMode: 'Never' },
});

describe('a kubeconfig', () => {
  it.each([
    ['a quote is not closed', 'users:\n- name: u\n  user:\n    token: "s3cr3t-token\n'],
    ['a value has a colon', 'users:\n- user: { token: s3cr3t-token, client-key-data: y: z }\n'],
    ['the token is read as an alias', 'users:\n- user: { token: *s3cr3t-token }\n'],
  ])('that is no YAML says where, and shows nothing of what stands there: %s', async (_, text) => {
    const error = await attempt({ kind: 'kubeconfig-text', text });
    expect(error).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      message: expect.stringMatching(/^the kubeconfig of the secret: .+\(\d+:\d+\)$/),
    });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cr3t');
  });

  it('leads to the cluster of its current context, or of the one that is named', async () => {
    const path = await file(stub.kubeconfig());
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({ uid: 'uid-kube-system' });
    expect(await attempt({ kind: 'kubeconfig', file: path, context: 'stub' })).toMatchObject({
      name: 'stub',
    });
  });

  it('is what kubectl in repairs uses, but for that of a secret', async () => {
    const path = await file(stub.kubeconfig());
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      kubectl: ['--kubeconfig', path, '--context', 'stub'],
    });
    vi.stubEnv('KUBECONFIG', path);
    expect(await attempt({ kind: 'kubeconfig' })).toMatchObject({ kubectl: ['--context', 'stub'] });
    vi.unstubAllEnvs();
    expect(await attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig() })).not.toHaveProperty('kubectl');
  });

  it.each([
    ['tokenFile', (tokenFile: string) => ({ tokenFile })],
    [
      'auth-provider',
      (tokenFile: string) => ({ 'auth-provider': { name: 'tokenFile', config: { tokenFile } } }),
    ],
  ])('leads no reader to the service account of a pod (%s)', async (_, user) => {
    const root = await mkdtemp(join(tmpdir(), 'netns-auditor-'));
    const folder = join(root, 'run/secrets/kubernetes.io/serviceaccount');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'first');
    await writeFile(join(root, 'token'), 'first');
    const inPod = await attempt({
      kind: 'kubeconfig',
      file: await file(stub.kubeconfig({ user: user(join(folder, 'token')) })),
    });
    expect(inPod).toMatchObject({ name: 'stub', inPod: true });
    expect(inPod).not.toHaveProperty('kubectl');
    const path = await file(stub.kubeconfig({ user: user(join(root, 'token')) }));
    const ofUser = await attempt({ kind: 'kubeconfig', file: path });
    expect(ofUser).toMatchObject({ kubectl: ['--kubeconfig', path, '--context', 'stub'] });
    expect(ofUser).not.toHaveProperty('inPod');
    await rm(root, { recursive: true });
  });

  it('that has no such context says which it has', async () => {
    const path = await file(stub.kubeconfig());
    expect(await attempt({ kind: 'kubeconfig', file: path, context: 'prod' })).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      message: `${path}: it has no context prod`,
      remedy: 'Choose one with --context: stub',
    });
  });

  it.each([
    ['is not there', null],
    ['is no YAML', 'a: [b'],
    ['is empty', ''],
    ['is something else', 'just text'],
  ])('that %s is named, with what to do', async (_, text) => {
    const path = text === null ? '/nonexistent/kubeconfig' : await file(text);
    const error = await attempt({ kind: 'kubeconfig', file: path });
    expect(error).toMatchObject({ code: 'KUBECONFIG_INVALID', message: expect.stringContaining(path) });
    expect((error as AuditError).remedy).not.toBe('');
  });

  it('in no place that is named, as by an empty $KUBECONFIG, is where kubectl looks', async () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', '/nonexistent');
    expect(await attempt({ kind: 'kubeconfig' })).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      message: '~/.kube/config: no kubeconfig there',
    });
    vi.unstubAllEnvs();
  });

  it.each([
    ['cluster', { clusters: [] }],
    ['user', { users: [] }],
  ])('whose context names a %s that is not there is refused', async (what, change) => {
    const path = await file(JSON.stringify({ ...JSON.parse(stub.kubeconfig()), ...change }));
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      message: expect.stringContaining(`names a ${what} that is not there`),
    });
  });

  it('whose plugin fails says how to have it run by kubectl', async () => {
    const path = await file(stub.kubeconfig({ user: exec('false', ['eks', 'get-token']) }));
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: expect.stringContaining(`no credentials from ${path}`),
      remedy: 'Its command false fails. See why: kubectl --context stub get --raw /version',
    });
  });

  it('whose plugin never ends, nor what that started, is given up with the way to see why', async () => {
    const path = await file(stub.kubeconfig({ user: exec('sh', ['-c', 'sleep 5 & wait']) }));
    const start = Date.now();
    const waits: string[] = [];
    await expect(
      connect(
        { kind: 'kubeconfig', file: path },
        { version: '0.0.0', pluginDeadline: 200, onUnanswered: ({ message }) => waits.push(message) },
      ),
    ).rejects.toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: expect.stringContaining('its command sh did not end within 0.2 s'),
      remedy: 'It may be waiting for a login. Run it yourself: kubectl --context stub get --raw /version',
    });
    expect(Date.now() - start).toBeLessThan(4_000);
    expect(waits).toEqual([
      'sh, the command of the kubeconfig that prints a credential, has not ended: waiting for it up to 0.2 s',
    ]);
  });

  it('whose plugin asks for something gets its end of input, and its own words', async () => {
    const path = await file(
      stub.kubeconfig({ user: exec('sh', ['-c', 'read -r code || echo no code was given >&2; exit 1']) }),
    );
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: expect.stringContaining('no code was given'),
    });
  });

  const ARGS = ['--oidc-client-secret=SUPERSECRET1', '--password', 'SUPERSECRET2', '--tenant', 'acme'];
  const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJTVVBFUlNFQ1JFVCJ9.c2lnbmF0dXJl';
  it.each([
    ['repeats what it was given', `echo "cannot log in with $*: tenant unknown" >&2; exit 1`],
    [
      'names a password',
      `echo 'login failed: password=SUPERSECRET3 client_secret: "SUPERSECRET4"' >&2; exit 1`,
    ],
    ['shows its variable', `echo "with $PLUGIN_KEY" >&2; exit 1`],
    ['shows a token', `echo "expired: ${TOKEN}" >&2; exit 1`],
    ['shows a header', `echo "sent authorization: Bearer abcdef.SUPERSECRET5" >&2; exit 1`],
    ['shows a URL with a password', `echo "https://me:SUPER/SECRET6@idp.example.com refused" >&2; exit 1`],
    ['shows a key', `echo "key SUPERSECRET7aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" >&2; exit 1`],
    ['prints a bare token', `echo ${TOKEN}`],
    ['prints JSON that is no credential', `echo '{"token":"SUPERSECRET8"}'`],
    ['is not there', null],
  ])('whose plugin %s has no secret in the error, wherever one looks', async (_, script) => {
    const user =
      script === null ? exec('no-such-plugin-here', ARGS) : exec('sh', ['-c', script, 'plugin', ...ARGS]);
    const env = [{ name: 'PLUGIN_KEY', value: 'SUPERSECRET9' }];
    const path = await file(stub.kubeconfig({ user: { exec: { ...user.exec, env } } }));
    const error = await attempt({ kind: 'kubeconfig', file: path });
    expect(error).toMatchObject({ code: 'CLUSTER_UNAUTHENTICATED' });
    const all = inspect(error, { depth: 9, showHidden: true });
    expect(all).not.toMatch(/SUPER|eyJ|c2lnbm/);
    expect(all).toContain('no credentials from');
  });

  it('whose plugin complains at length is quoted in part, and its words are kept', async () => {
    const script = 'echo "Error: the SSO session has expired" >&2; yes words | head -10000 >&2; exit 1';
    const path = await file(stub.kubeconfig({ user: exec('sh', ['-c', script]) }));
    const error = await attempt({ kind: 'kubeconfig', file: path });
    expect(error).toMatchObject({ message: expect.stringContaining('Error: the SSO session has expired') });
    expect((error as AuditError).message.length).toBeLessThan(500);
  });

  it.each([
    ['that nobody answers', 'https://user:p@SS:SECRET@127.0.0.1:1'],
    ['that is no URL', 'https://user:p@SS:SECRET/@127.0.0.1:port'],
    ['that has a slash in it', 'https://user:1/SECRET@127.0.0.1:1'],
    ['whose name does not resolve', 'https://user:SECRET@api.invalid'],
  ])(
    'with a password in the server %s does not show it',
    async (_, server) => {
      const path = await file(stub.kubeconfig({ server }));
      const error = await attempt({ kind: 'kubeconfig', file: path });
      expect(error).toBeInstanceOf(AuditError);
      expect(inspect(error, { depth: 9 })).not.toContain('SECRET');
    },
    15_000,
  );

  it.each(['TLSv1', 'TLSv1.1'] as const)(
    'that leads to a server of %s speaks of the version',
    async (version) => {
      const old = createTlsServer({
        cert: readFileSync(certificate),
        key: readFileSync(new URL('../stub/test-only.key.pem', import.meta.url)),
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
      const { port } = old.address() as AddressInfo;
      const path = await file(stub.kubeconfig({ server: `https://127.0.0.1:${port}` }));
      const error = await attempt({ kind: 'kubeconfig', file: path });
      expect(error).toMatchObject({ code: 'CLUSTER_TLS', remedy: expect.stringContaining('TLS version') });
      expect((error as AuditError).remedy).not.toContain('certificate authority');
      await new Promise((resolve) => old.close(resolve));
    },
  );

  it('that leads to a server without TLS says so', async () => {
    const plain = createHttpServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as AddressInfo;
    const path = await file(stub.kubeconfig({ server: `https://127.0.0.1:${port}` }));
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'CLUSTER_TLS',
      remedy: expect.stringContaining('does not use TLS'),
    });
    plain.closeAllConnections();
    await new Promise((resolve) => plain.close(resolve));
  });

  it('whose plugin is not installed names it', async () => {
    const path = await file(stub.kubeconfig({ user: exec('no-such-plugin-here') }));
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: expect.stringContaining('no-such-plugin-here'),
    });
  });

  it('whose plugin gives a token is used with it', async () => {
    const credential = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-the-plugin' },
    });
    const path = await file(stub.kubeconfig({ user: exec('echo', [credential]) }));
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({ name: 'stub' });
    expect(stub.headers.authorization).toBe('Bearer from-the-plugin');
  });

  it('without credentials is not taken for a user without rights', async () => {
    const path = await file(stub.kubeconfig({ user: {} }));
    stub.fail({
      path: 'kube-system',
      status: 403,
      message:
        'namespaces "kube-system" is forbidden: User "system:anonymous" cannot get resource "namespaces"',
    });
    expect(await attempt({ kind: 'kubeconfig', file: path })).toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: expect.stringContaining('system:anonymous'),
    });
  });
});

describe('several kubeconfigs', () => {
  it('are merged as kubectl does: the first of a name and the first context count, and one may be missing', async () => {
    const second = JSON.parse(stub.kubeconfig({ server: 'https://127.0.0.1:1', user: { token: 'other' } }));
    second['current-context'] = 'other';
    second.contexts.push({ name: 'other', context: { cluster: 'stub', user: 'stub' } });
    const files = [
      await file(stub.kubeconfig()),
      '/nonexistent/kubeconfig',
      await file(JSON.stringify(second)),
    ];
    vi.stubEnv('KUBECONFIG', files.join(delimiter));
    try {
      expect(await attempt({ kind: 'kubeconfig' })).toMatchObject({ name: 'stub', uid: 'uid-kube-system' });
      expect(stub.headers.authorization).toBe('Bearer secret-token');
      expect(await attempt({ kind: 'kubeconfig', context: 'other' })).toMatchObject({ name: 'other' });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe('what stands before the API server', () => {
  it('may add a path, as Rancher does', async () => {
    const server = `${stub.url}/k8s/clusters/c-abc`;
    expect(await attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig({ server }) })).toMatchObject({
      code: 'CLUSTER_API',
    });
    expect(stub.requests).toContain('GET /k8s/clusters/c-abc/version');
  });

  it('is told from it where it answers with a page', async () => {
    stub.fail({ path: '/', status: 403, page: '<html><title>Sign in</title></html>', times: 2 });
    expect(await attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig() })).toMatchObject({
      code: 'CLUSTER_API',
      message: expect.stringContaining('a web page answers with 403'),
      remedy: expect.stringContaining('HTTPS_PROXY'),
    });
  });

  it('is gone through where the environment says so, and not where it makes an exception', async () => {
    const asked: string[] = [];
    const proxy = createHttpServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    vi.stubEnv('NO_PROXY', '10.0.0.0/8');
    try {
      const text = stub.kubeconfig({ server: 'https://api.invalid:6443' });
      expect(await attempt({ kind: 'kubeconfig-text', text })).toMatchObject({
        code: 'CLUSTER_UNREACHABLE',
        message: expect.stringMatching(/ through the proxy 127\.0\.0\.1:\d+: .*502/),
      });
      expect(new Set(asked)).toEqual(new Set(['api.invalid:6443']));
      expect(await attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig() })).toMatchObject({
        name: 'stub',
      });
    } finally {
      vi.unstubAllEnvs();
      proxy.close();
    }
  }, 15_000);
});

describe('a proxy that is to blame', () => {
  const behind = async (proxy: string) => {
    vi.stubEnv('HTTPS_PROXY', proxy);
    vi.stubEnv('NO_PROXY', '');
    try {
      const text = stub.kubeconfig({ server: 'https://api.example:6443' });
      return await attempt({ kind: 'kubeconfig-text', text });
    } finally {
      vi.unstubAllEnvs();
    }
  };

  it('is named where its name does not resolve, and the API server is not', async () => {
    const error = await behind('http://jane:secret@no-such-proxy.invalid:3128');
    expect(error).toMatchObject({
      code: 'CLUSTER_DNS',
      message: 'the name of the proxy does not resolve: no-such-proxy.invalid',
      remedy: expect.stringContaining('HTTPS_PROXY'),
    });
  }, 15_000);

  it('is named where it refuses, without its password', async () => {
    const error = await behind('http://jane:secret@127.0.0.1:1');
    expect(error).toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message:
        'no answer from the API server https://api.example:6443 through the proxy 127.0.0.1:1: ECONNREFUSED',
      remedy: expect.stringContaining('HTTPS_PROXY'),
    });
  }, 15_000);

  it.each([
    ':bad:',
    'http://jane:secret@proxy.example:x',
    'ftp://proxy.example',
    'http://%zz:@proxy.example',
  ])('is refused by the name of its variable where it is none: %s', async (proxy) => {
    expect(await behind(proxy)).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      message: 'HTTPS_PROXY: it is not the URL of a proxy',
    });
  });
});

it('says that it was a client certificate that ended', async () => {
  const user = {
    'client-certificate-data': readFileSync(certificate).toString('base64'),
    'client-key-data': readFileSync(new URL('../stub/test-only.key.pem', import.meta.url)).toString('base64'),
  };
  stub.fail({ path: '/', status: 401, message: 'Unauthorized', times: 2 });
  const end = new X509Certificate(readFileSync(certificate)).validToDate;
  vi.useFakeTimers({ toFake: ['Date'], now: end.getTime() + 1 });
  try {
    expect(await attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig({ user }) })).toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: `the client certificate ended on ${end.toISOString()}`,
    });
  } finally {
    vi.useRealTimers();
  }
});

describe('what answers at the address', () => {
  const at = (server: string) => attempt({ kind: 'kubeconfig-text', text: stub.kubeconfig({ server }) });

  it('may be nothing: the connection is refused', async () => {
    const unused = createServer();
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve));
    const { port } = unused.address() as { port: number };
    await new Promise((resolve) => unused.close(resolve));
    const refused = connect(
      { kind: 'kubeconfig-text', text: stub.kubeconfig({ server: `https://127.0.0.1:${port}` }) },
      { version: '0.0.0', deadline: 500 },
    );
    await expect(refused).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('API server runs'),
    });
  });

  it('may be no address at all', async () => {
    expect(await at('not a url')).toMatchObject({
      code: 'KUBECONFIG_INVALID',
      remedy: 'Write it as https://host:port.',
    });
  });

  it('may be something that is no Kubernetes', async () => {
    stub.fail({ path: '/version', status: 200, message: 'hello' });
    expect(await at(stub.url)).toMatchObject({
      code: 'CLUSTER_API',
      message: expect.stringContaining('does not answer like a Kubernetes API server'),
    });
  });

  it('may have a certificate for another name', async () => {
    const config = JSON.parse(stub.kubeconfig());
    config.clusters[0].cluster['tls-server-name'] = 'api.example.com';
    expect(await attempt({ kind: 'kubeconfig-text', text: JSON.stringify(config) })).toMatchObject({
      code: 'CLUSTER_TLS',
      remedy: expect.stringContaining('tls-server-name'),
    });
  });
});
