/** From nothing to the first nightly report, as in docs/in-cluster.md. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hasHelm, helm } from '../deploy/helm.ts';
import { apply, getJson, kubectl, NAMESPACE, POD_IMAGE, tryKubectl } from './cluster.ts';
import { buildImage } from './image.ts';
import { run, waitFor } from './run.ts';

const IMAGE = 'docker.io/library/netns-auditor:e2e';
/** A command that loads an image archive, its last argument, on every node. */
const load = process.env.NETNS_AUDIT_E2E_LOAD?.split(' ');
if (load === undefined)
  console.warn('\n*** NETNS_AUDIT_E2E_LOAD is not set: the chart is NOT INSTALLED (docs/testing.md) ***\n');

const CHART = new URL('../../deploy/chart/netns-auditor', import.meta.url).pathname;
const KEY = Buffer.from('an end-to-end test, 32 bytes long').toString('base64');
const receiver = `http://receiver.${NAMESPACE}:8080`;
const claim = 'chart-store';

async function installed(...more: string[]): Promise<string> {
  const destinations = [
    { kind: 'webhook', name: 'hook', url: `${receiver}/hook`, secret: { env: 'HOOK_KEY' } },
    { kind: 'slack', name: 'chat', url: { env: 'SLACK_URL' } },
    { kind: 'alertmanager', name: 'main', url: receiver },
    {
      kind: 'mail',
      name: 'team',
      host: `receiver.${NAMESPACE}`,
      port: 8025,
      tls: 'none',
      from: 'a@example.com',
      to: ['b@example.com'],
    },
  ];
  const values = {
    clusterName: 'e2e',
    image: { repository: IMAGE.split(':')[0], tag: 'e2e' },
    store: { volume: { existingClaim: claim } },
    secretName: 'chart-alerts',
    nodeSelector: { 'kubernetes.io/hostname': inject('nodes')[0] },
    destinations,
    // Whatever the cluster is like, there is something to report.
    thresholds: { metrics: [{ metric: 'pods', per: 'cluster', above: 0 }] },
  };
  const { exitCode, stdout, stderr } = await run(
    helm,
    ['upgrade', '--install', 'chart', CHART, '-n', NAMESPACE, '--take-ownership', '-f', '-', ...more],
    { input: JSON.stringify(values) },
  );
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

/** The output of a Job of the release, once it has finished. */
async function ran(name: string, cronJob: string): Promise<{ done: string; log: string }> {
  await kubectl(['-n', NAMESPACE, 'create', 'job', name, `--from=cronjob/${cronJob}`]);
  return await ended(name);
}

type Job = { status: { conditions?: { type: string; status: string }[] } };

async function ended(name: string): Promise<{ done: string; log: string }> {
  const done = await waitFor(
    `job ${name} to end`,
    async () => {
      const { status } = await getJson<Job>(['job', name, '-n', NAMESPACE]);
      return status.conditions?.find(
        (each) => /^(?:Complete|Failed)$/.test(each.type) && each.status === 'True',
      )?.type;
    },
    { seconds: 240 },
  );
  return { done, log: await kubectl(['-n', NAMESPACE, 'logs', `job/${name}`]) };
}

function pod(
  args: readonly string[],
  more: { image?: string; user?: number; command?: string[] } = {},
): object {
  return {
    restartPolicy: 'Never',
    securityContext: { runAsUser: more.user ?? 65532 },
    nodeSelector: { 'kubernetes.io/hostname': inject('nodes')[0] },
    containers: [
      {
        name: 'main',
        image: more.image ?? IMAGE,
        imagePullPolicy: 'IfNotPresent',
        args,
        ...(more.command === undefined ? {} : { command: more.command }),
        volumeMounts: [{ name: 'store', mountPath: '/store' }],
      },
    ],
    volumes: [{ name: 'store', persistentVolumeClaim: { claimName: claim } }],
  };
}

async function job(name: string, spec: object): Promise<string> {
  await apply([
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: NAMESPACE },
      spec: { backoffLimit: 0, template: { spec } },
    },
  ]);
  const { done, log } = await ended(name);
  expect([name, done, log]).toEqual([name, 'Complete', log]);
  return log;
}

/** A volume without a provisioner: a directory on the first node, writable for the image's user. */
async function makeStore(): Promise<void> {
  const path = `/var/tmp/netns-audit-e2e-${process.pid}`;
  const size = { storage: '1Gi' };
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
  await apply([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: claim },
      spec: {
        ...common,
        capacity: size,
        persistentVolumeReclaimPolicy: 'Retain',
        claimRef: { namespace: NAMESPACE, name: claim },
        hostPath: { path, type: 'DirectoryOrCreate' },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim, namespace: NAMESPACE },
      spec: { ...common, volumeName: claim, resources: { requests: size } },
    },
  ]);
  await job(
    'open-store',
    pod(['rm -rf /store/* && chmod 777 /store'], { image: POD_IMAGE, user: 0, command: ['sh', '-c'] }),
  );
}

async function startReceiver(): Promise<void> {
  const script = await readFile(new URL('receiver.js', import.meta.url), 'utf8');
  const metadata = { name: 'receiver', namespace: NAMESPACE, labels: { app: 'receiver' } };
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        containers: [
          { name: 'main', image: IMAGE, imagePullPolicy: 'IfNotPresent', command: ['node', '-e', script] },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: metadata.labels,
        ports: [
          { name: 'http', port: 8080 },
          { name: 'smtp', port: 8025 },
        ],
      },
    },
  ]);
  await kubectl(['-n', NAMESPACE, 'wait', '--for=condition=Ready', 'pod/receiver', '--timeout=120s']);
}

type Sent = { to: string; headers: Record<string, string>; body: string };

async function received(): Promise<Sent[]> {
  const log = await kubectl(['-n', NAMESPACE, 'logs', 'receiver']);
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Sent);
}

describe.skipIf(!hasHelm || load === undefined)('the chart', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'netns-audit-chart-'));
    const [command = '', ...args] = load ?? [];
    const loaded = await run(command, [...args, await buildImage(directory, IMAGE)]);
    if (loaded.exitCode !== 0) throw new Error(loaded.stderr);
    await startReceiver();
    await makeStore();
    await kubectl([
      ...['-n', NAMESPACE, 'create', 'secret', 'generic', 'chart-alerts', `--from-literal=HOOK_KEY=${KEY}`],
      `--from-literal=SLACK_URL=${receiver}/slack`,
    ]);
    // It builds the package first, which takes minutes on a busy machine.
  }, 600_000);

  afterAll(async () => {
    await run(helm, ['uninstall', 'chart', '-n', NAMESPACE, '--wait']);
    for (const each of [
      'job/first',
      'job/second',
      'job/doctor',
      'job/tidy',
      'job/show',
      'job/open-store',
      'pod/receiver',
    ])
      await tryKubectl(['-n', NAMESPACE, 'delete', each, '--ignore-not-found']);
    for (const each of ['service/receiver', 'secret/chart-alerts', `pvc/${claim}`])
      await tryKubectl(['-n', NAMESPACE, 'delete', each, '--ignore-not-found']);
    await tryKubectl(['delete', 'pv', claim, '--ignore-not-found']);
    await rm(directory, { recursive: true, force: true });
  });

  it('is installed, audits every node with no right but its own, keeps the report, and tells each destination once', async () => {
    const notes = await installed();
    expect(notes).toContain('create job first-audit --from=cronjob/chart');
    const first = await ran('first', 'chart');
    expect([first.done, first.log]).toEqual(['Complete', first.log]);
    expect(first.log).toContain('Alerts sent to webhook hook, slack chat, alertmanager main, mail team.');
    // Nobody who reads it has the files of the pod.
    expect(first.log).not.toMatch(/--kubeconfig|--context|--store|file:\/\/|--settle/);

    const report = JSON.parse(
      await job('show', pod(['reports', 'show', '-o', 'json', '--store', '/store'])),
    ) as {
      cluster: { name: string };
      coverage: { nodes: { node: string; result: string }[] };
    };
    expect(report.cluster.name).toBe('e2e');
    expect(report.coverage.nodes.map(({ node, result }) => [node, result]).toSorted()).toEqual(
      inject('nodes')
        .map((node) => [node, 'audited'])
        .toSorted(),
    );

    const second = await ran('second', 'chart');
    expect(second.log).toContain('Nothing new to send to');
    const sent = await received();
    // Alertmanager gets the open alerts after each run.
    expect(sent.map(({ to }) => to).toSorted()).toEqual([
      '/api/v2/alerts',
      '/api/v2/alerts',
      '/hook',
      '/slack',
      'smtp',
    ]);
    const hook = sent.find(({ to }) => to === '/hook');
    const { command } = (JSON.parse(hook?.body ?? '') as { report: { command: string } }).report;
    expect(command).toMatch(new RegExp(`^kubectl -n ${NAMESPACE} logs first-\\w+$`));
    expect(await kubectl(command.split(' ').slice(1))).toBe(first.log);
    const signed = `${hook?.headers['webhook-id']}.${hook?.headers['webhook-timestamp']}.${hook?.body}`;
    const signature = createHmac('sha256', Buffer.from(KEY, 'base64')).update(signed).digest('base64');
    expect(hook?.headers['webhook-signature']).toBe(`v1,${signature}`);
    for (const { to, headers, body } of sent)
      console.log(to, headers['webhook-signature'] ?? '', body.slice(0, 600));
  });

  it('has a doctor that checks everything and sends each destination a test message', async () => {
    expect(await installed()).not.toContain('first-audit');
    const before = (await received()).length;
    const { done, log } = await ran('doctor', 'chart-doctor');
    expect([done, log]).toEqual(['Complete', log]);
    expect(log).toMatch(/^ok +probe /m);
    expect(log).not.toContain('BROKEN');
    expect((await received()).slice(before).map(({ to }) => to)).toEqual(
      expect.arrayContaining(['/hook', '/slack', 'smtp']),
    );
    console.log(log);
  });

  it('clears the volume, and deletes nothing that is new', async () => {
    const { done, log } = await ran('tidy', 'chart-retention');
    expect([done, log]).toEqual(['Complete', 'Nothing in /store is old enough to go.\n']);
  });
});
