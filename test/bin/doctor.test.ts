import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { main } from '../../bin/main.ts';
import { optionalRightsOf, rightsOf } from '../../lib/audit/rights.ts';
import { podsOfTheAudit, serveRecording } from '../audit/recorded.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { run } from './run.ts';

let stub: StubApiServer;
let directory: string;

beforeEach(async () => {
  stub = await StubApiServer.start();
  await serveRecording(stub, 'healthy');
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-doctor-'));
  await mkdir(join(directory, 'store'));
});
afterEach(async () => {
  await stub.close();
  await rm(directory, { recursive: true });
});

/** The output, with single spaces. */
async function doctor(
  kubeconfig = stub.kubeconfig(),
  ...args: string[]
): Promise<{ lines: string[]; code: unknown }> {
  const file = join(directory, 'kubeconfig');
  await writeFile(file, kubeconfig);
  let said = '';
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  process.exitCode = 0;
  try {
    await main(['doctor', '--kubeconfig', file, '--store', join(directory, 'store'), ...args]);
    const lines = said.trimEnd().split('\n');
    return { lines: lines.map((line) => line.replaceAll(/\s+/g, ' ')), code: process.exitCode };
  } finally {
    spy.mockRestore();
    process.exitCode = 0;
  }
}

describe('netns-audit doctor', () => {
  it('finds every link whole, and leaves no pod', async () => {
    expect(await doctor()).toEqual({
      code: 0,
      lines: [
        'ok configuration cluster stub',
        'ok name',
        `ok connection ${stub.url}`,
        'ok TLS',
        'ok credentials',
        'ok API v1.36.0-stub',
        'ok rights all 9',
        'ok namespace netns-audit',
        'ok image docker.io/nicolaka/netshoot:v0.16: the node pulls it from Docker Hub without an account, which allows 100 pulls in 6 hours per address; nodes behind one NAT gateway share theirs',
        'ok admission Pod Security, policies and quotas accept the probe pod',
        'ok probe node-1 was read',
        `ok store ${join(directory, 'store')}`,
        'skipped alert neither a topic nor destinations were given',
      ],
    });
    expect(podsOfTheAudit(stub)).toEqual([]);
  });

  it.each([
    ['name', { server: 'https://no-such-host.invalid' }, /A private EKS endpoint resolves only/],
    ['connection', { server: 'https://127.0.0.1:1' }, /address and port in the kubeconfig/],
    ['TLS', { ca: null }, /certificate authority in the kubeconfig/],
  ])(
    'says that the %s is broken, and looks at what does not hang on it',
    async (name, change, remedy) => {
      const { lines, code } = await doctor(stub.kubeconfig(change));
      const at = lines.findIndex((line) => line.startsWith(`BROKEN ${name} `));
      expect(lines.slice(0, at).every((line) => line.startsWith('ok '))).toBe(true);
      expect(lines[at + 1]).toMatch(remedy);
      expect(lines).toContain('skipped probe the cluster was not reached');
      expect(lines).toContain(`ok store ${join(directory, 'store')}`);
      expect(code).toBe(4);
    },
    60_000,
  );

  it('says that the credentials are broken', async () => {
    stub.fail({ path: '/', status: 401, times: 1_000 });
    const { lines } = await doctor();
    expect(lines).toContainEqual(expect.stringMatching(/^BROKEN credentials /));
    expect(lines).toContain('ok TLS');
  });

  it('names each right that is missing', async () => {
    stub.denied.add('delete pods').add('get pods/log');
    const { lines, code } = await doctor();
    const at = lines.indexOf(
      'BROKEN rights not allowed to delete pods in netns-audit; get pods/log in netns-audit',
    );
    expect(lines[at + 1]).toContain('netns-audit manifests | kubectl apply -f -');
    expect(code).toBe(4);
  });

  it.each([
    [
      'system:serviceaccount:ci:auditor',
      'kubectl create clusterrolebinding netns-auditor-ci-auditor --clusterrole netns-auditor --serviceaccount ci:auditor; ' +
        'kubectl -n netns-audit create rolebinding netns-auditor-ci-auditor --role netns-auditor --serviceaccount ci:auditor',
    ],
    [
      'jane@example.com',
      'or bind the roles to that user: kubectl create clusterrolebinding netns-auditor-user-8c87b489 ',
    ],
    [
      'joe@example.com',
      'or bind the roles to that user: kubectl create clusterrolebinding netns-auditor-user-2481f36d ',
    ],
    ["x'; rm -rf ~; '", '--user NAME'],
  ])('says to %s, who may nothing, how the rights are given', async (user, remedy) => {
    stub.user = user;
    stub.fail({
      path: '/namespaces/kube-system',
      status: 403,
      message: `namespaces "kube-system" is forbidden: User "${user}" cannot get resource "namespaces"`,
    });
    for (const right of rightsOf('netns-audit')) stub.denied.add(`${right.verb} ${right.resource}`);
    const { lines, code } = await doctor();
    expect(lines.filter((line) => line.startsWith('ok ')).map((line) => line.split(' ')[1])).toEqual(
      'configuration name connection TLS credentials API store'.split(' '),
    );
    expect(lines).toContain(`ok credentials as ${user}`);
    const at = lines.findIndex((line) => line.startsWith('BROKEN rights not allowed to list nodes; '));
    expect(lines[at + 1]).toContain('netns-audit manifests | kubectl apply -f -');
    expect(lines[at + 1]).toContain(remedy);
    expect(lines).toContain('skipped probe it needs the missing rights');
    expect(lines.join()).not.toContain('was not reached');
    expect(code).toBe(4);
  });

  it('says in its own words why the cluster does not take the pod, and starts none', async () => {
    stub.fail({
      method: 'POST',
      path: '/pods?dryRun',
      status: 403,
      message: 'violates PodSecurity "baseline"',
    });
    const { lines } = await doctor();
    const at = lines.findIndex((line) => line.startsWith('BROKEN admission'));
    expect(lines[at]).toContain('violates PodSecurity "baseline"');
    expect(lines[at + 1]).toContain('pod-security.kubernetes.io/enforce=privileged');
    expect(lines).toContain('skipped probe it would not be admitted');
    expect(stub.requests).not.toContain('POST /api/v1/namespaces/netns-audit/pods');
  });

  it('says what the kubelet says of an image that cannot be pulled, and how to make a missing namespace', async () => {
    stub.namespaces.delete('netns-audit');
    stub.ending = () => ({
      status: {
        phase: 'Pending',
        containerStatuses: [
          { name: 'probe', state: { waiting: { reason: 'ErrImagePull', message: 'no such host registry' } } },
        ],
      },
    });
    const { lines } = await doctor(stub.kubeconfig(), '--deadline', '5s');
    expect(lines).toContainEqual(expect.stringMatching(/^BROKEN probe .*ErrImagePull/));
    expect(lines).toContain('BROKEN namespace there is no namespace netns-audit');
    expect(podsOfTheAudit(stub)).toEqual([]);
  });

  it('says what is wrong with the store', async () => {
    await writeFile(join(directory, 'file'), '');
    const { lines, code } = await doctor(stub.kubeconfig(), '--store', join(directory, 'file'));
    expect(lines).toContainEqual(expect.stringMatching(/^BROKEN store /));
    expect(code).toBe(5);
  });

  it('takes a store that is not there for mistyped, and makes none', async () => {
    const { lines } = await doctor(stub.kubeconfig(), '--store', join(directory, 'stroe'));
    expect(lines).toContainEqual(expect.stringMatching(/^BROKEN store .*no such directory/));
    expect(await readdir(directory)).not.toContain('stroe');
  });

  it('asks for the rights that the manifests give', async () => {
    type Role = {
      kind: string;
      rules?: { resources: string[]; verbs: string[]; resourceNames?: string[] }[];
    };
    const text = await readFile(new URL('../../deploy/rbac.yaml', import.meta.url), 'utf8');
    const given = parseAllDocuments(text)
      .map((document) => document.toJS() as Role)
      .filter(({ kind }) => kind.endsWith('Role'))
      .flatMap(({ rules = [] }) => rules)
      .flatMap(({ resources, verbs, resourceNames = [''] }) =>
        verbs.flatMap((verb) =>
          resources.flatMap((resource) => resourceNames.map((name) => `${verb} ${resource} ${name}`.trim())),
        ),
      );
    // The right to watch all pods, which is optional, includes its own.
    const required = rightsOf('netns-audit').filter(({ verb }) => verb !== 'watch');
    const asked = [...required, ...optionalRightsOf('netns-audit').map(({ right }) => right)].map(
      ({ verb, resource, name = '' }) => `${verb} ${resource} ${name}`.trim(),
    );
    expect(asked.toSorted()).toEqual(given.toSorted());
  });
});

describe('netns-audit doctor --config', () => {
  async function doctorOf(text: string, ...args: string[]) {
    const file = join(directory, 'fleet.yaml');
    await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig());
    await writeFile(file, text);
    const { out, error, code } = await run(
      'doctor',
      '--config',
      file,
      '--store',
      join(directory, 'store'),
      ...args,
    );
    return {
      lines: out
        .trimEnd()
        .split('\n')
        .map((line) => line.replaceAll(/\s+/g, ' ').trim()),
      error,
      code,
      file,
    };
  }
  const cluster = (name: string, context: string): string =>
    `  - { name: ${name}, kubeconfig: { context: ${context}, file: ${join(directory, 'kubeconfig')} } }\n`;

  it('looks at each cluster with the settings of the file, and at what they share once', async () => {
    const slack = 'destinations: [{ kind: slack, name: team, url: { env: NOT_THERE } }]\n';
    const { lines, code, file } = await doctorOf(
      `clusters:\n${cluster('one', 'stub')}${cluster('two', 'nope')}probe: { namespace: elsewhere }\n${slack}`,
    );
    expect(lines.slice(0, 4)).toEqual([`${file}: in order`, '', 'one', 'ok configuration cluster stub']);
    expect(lines).toContain('BROKEN namespace there is no namespace elsewhere');
    expect(lines[lines.indexOf('two') + 1]).toMatch(/^BROKEN configuration .* it has no context nope$/);
    expect(lines.filter((line) => line.startsWith('ok store'))).toHaveLength(1);
    expect(lines.at(-2)).toMatch(/^BROKEN destinations .*NOT_THERE/);
    expect(code).toBe(4);
  });

  it('looks at the clusters that are named', async () => {
    const { lines, code } = await doctorOf(
      `clusters:\n${cluster('one', 'stub')}${cluster('two', 'nope')}`,
      '--cluster',
      'one',
    );
    expect(lines).not.toContain('two');
    expect(code).toBe(0);
  });

  it('refuses what is about one cluster, and names every mistake of the file', async () => {
    const one = await doctorOf(`clusters:\n${cluster('one', 'stub')}`, '--context', 'stub');
    expect({ code: one.code, error: one.error }).toEqual({
      code: 2,
      error: expect.stringContaining('--context is about one cluster, and --config about all of a file'),
    });
    const wrong = await doctorOf('clusters: []\nshedule: {}\n');
    expect(wrong.error).toContain(`${wrong.file}:2:1: Unknown key "shedule".`);
    expect(wrong.code).toBe(2);
  });
});
