/** `netns-audit remediate` on a pod that lost its interface, with only the rights in the manifests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { audit, netnsAudit, program } from './audit.ts';
import {
  apply,
  findOnNodes,
  inNetworkOf,
  kubectl,
  listPods,
  NAMESPACE,
  POD_IMAGE,
  waitReady,
} from './cluster.ts';
import { type RunResult, run } from './run.ts';

const [node] = inject('nodes') as [string];
const CHECK = 'pod-interface-missing';
const image = process.env.NETNS_AUDIT_E2E_IMAGE;

let folder: string;
let kubeconfig: string;
let store: string;

const labels = { part: 'to-repair' };
const objects = (replicas: number): object[] => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'to-repair', namespace: NAMESPACE },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
          ],
        },
      },
    },
  },
];
const budget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'to-repair', namespace: NAMESPACE },
  spec: { minAvailable: 2, selector: { matchLabels: labels } },
};

/** As a user in both groups of the manifests. */
const remediate = async (...args: string[]): Promise<RunResult> =>
  await netnsAudit([
    ...['remediate', '--kubeconfig', kubeconfig, '--store', store, '--only', CHECK],
    ...(image === undefined ? [] : ['--image', image]),
    ...args,
  ]);

const names = async (): Promise<string[]> =>
  (await listPods('-l', 'part=to-repair')).map(({ metadata }) => metadata.name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'netns-audit-e2e-'));
  [kubeconfig, store] = [join(folder, 'kubeconfig'), join(folder, 'store')];
  await apply((await netnsAudit(['manifests', '--no-admission-policy', '--remediate'])).stdout);
  const config = parse(await kubectl(['config', 'view', '--raw', '--flatten', '--minify']));
  const groups = ['netns-auditor', 'netns-auditor-remediate'];
  Object.assign(config.users[0].user, { as: 'ann', 'as-groups': groups });
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  await apply(objects(2));
  const [victim] = await findOnNodes(await waitReady('part=to-repair', 2));
  if (victim === undefined) throw new Error('no pod is ready');
  await inNetworkOf(victim.node, victim.variables.PID ?? '', 'ip link delete eth0');
  await audit([], { store });
});
afterAll(async () => {
  for (const kind of ['deployment', 'poddisruptionbudget'])
    await kubectl(['delete', kind, 'to-repair', '-n', NAMESPACE, '--ignore-not-found', '--wait=false']);
  for (const kind of ['clusterrole', 'clusterrolebinding'])
    await kubectl(['delete', kind, 'netns-auditor-remediate', '--ignore-not-found']);
  await rm(folder, { recursive: true, force: true });
});

describe(`a pod on ${node} or another node that lost its interface`, () => {
  it('is planned to be recreated, and nothing is done', async () => {
    const before = await names();
    const { stdout, exitCode } = await remediate();
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Recreate 1 pod.');
    expect(await names()).toEqual(before);
  });

  it('is led to by the command that the audit prints, wherever kubectl points by then', async () => {
    const options = ['--kubeconfig', kubeconfig, '--store', store, '--settle', '0s'];
    const { stdout } = await netnsAudit([
      ...['audit', ...options],
      ...(image === undefined ? [] : ['--image', image]),
    ]);
    const [, typed] =
      /^ +\$ netns-audit (remediate \S+ --only pod-interface-missing .*)--apply$/m.exec(stdout) ?? [];
    expect(typed, stdout).toBeDefined();
    const tried = await run('sh', ['-c', `exec "$0" "$1" ${typed} --rehearse`, process.execPath, program], {
      env: { KUBECONFIG: '/dev/null' },
    });
    expect(tried.stderr).toContain('1 of 1 would be repaired, 0 refused; nothing was changed');
    expect(tried.exitCode, tried.stderr).toBe(0);
  });

  it('stays where its disruption budget wants it, which ends the repair', async () => {
    await apply([budget]);
    const before = await names();
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '1');
    expect(stderr).toContain('a disruption budget refuses');
    expect(exitCode).toBe(3);
    expect(await names()).toEqual(before);
    await kubectl(['delete', 'poddisruptionbudget', 'to-repair', '-n', NAMESPACE]);
  });

  it('is recreated, the new pod is in order, and so is the next audit', async () => {
    const before = await names();
    const { stderr, exitCode } = await remediate('--apply', '--yes', '--limit', '1');
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('nothing is wrong with it');
    const after = await names();
    expect(after).toHaveLength(2);
    expect(after.filter((name) => before.includes(name))).toHaveLength(1);

    const { report } = await audit([], { store });
    expect(report.findings.filter(({ check }) => check === CHECK)).toEqual([]);
    expect(await kubectl(['get', 'leases', '-n', 'netns-audit', '-o', 'name'])).toBe('');
  });

  it('is refused once it was repaired, as the fault is not seen again', async () => {
    const { stdout } = await remediate('-o', 'json');
    expect(JSON.parse(stdout).acts).toEqual([]);
  });
});

describe('a pod without a controller that lost its interface', () => {
  const maker = { name: 'to-repair-maker', namespace: NAMESPACE };
  /** Beside what the manifests give. */
  const rights = [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: maker,
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['create'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: maker,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: maker.name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'ann' }],
    },
  ];
  const bare = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'bare', namespace: NAMESPACE, labels: { part: 'bare' } },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'main', image: POD_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['sleep', '86400'] },
      ],
    },
  };
  const uid = async (): Promise<string> =>
    await kubectl(['get', 'pod', 'bare', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}']);
  afterAll(async () => {
    await kubectl(['delete', 'pod', 'bare', '-n', NAMESPACE, '--ignore-not-found', '--wait=false']);
    for (const kind of ['role', 'rolebinding'])
      await kubectl(['delete', kind, maker.name, '-n', NAMESPACE, '--ignore-not-found']);
  });

  it('is recreated from its own manifest if it is named, by who may create pods there', async () => {
    await apply([bare]);
    const [pod] = await findOnNodes(await waitReady('part=bare', 1));
    await inNetworkOf(node, pod?.variables.PID ?? '', 'ip link delete eth0');
    await audit([], { store });
    const before = await uid();
    const args = ['--apply', '--yes', '--limit', '1'];
    expect((await remediate(...args)).stderr).toContain(
      'name it with --pod to have it made from its manifest',
    );
    const named = async (): Promise<RunResult> => await remediate('--pod', `${NAMESPACE}/bare`, ...args);
    expect((await named()).stderr).toContain('it would not be admitted again');
    expect(await uid()).toBe(before);
    await apply(rights);
    const { stderr, exitCode } = await named();
    expect(stderr).toContain(`${NAMESPACE}/bare replaced it on ${node}; nothing is wrong with it`);
    expect(exitCode, stderr).toBe(0);
    expect(await uid()).not.toBe(before);
    const { report } = await audit([], { store });
    expect(report.findings.filter(({ object }) => object.name === 'bare')).toEqual([]);
  });
});
