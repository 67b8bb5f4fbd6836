import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { StubApiServer } from '../stub/api-server.ts';
import { run, type Said } from './run.ts';

let stub: StubApiServer;
let directory: string;

beforeEach(async () => {
  stub = await StubApiServer.start();
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-audit-'));
  await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig());
});
afterEach(async () => {
  await stub.close();
  await rm(directory, { recursive: true });
});

const audit = (...args: string[]): Promise<Said> =>
  run('audit', '--kubeconfig', join(directory, 'kubeconfig'), '--store', 'none', ...args);

function addNode(name: string, labels: Record<string, string> = {}): void {
  stub.nodes.push({
    metadata: { name, labels, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      nodeInfo: {
        operatingSystem: 'linux',
        architecture: 'amd64',
        kernelVersion: '6.1.0',
        osImage: 'Test',
        containerRuntimeVersion: 'containerd://2.0.0',
        kubeletVersion: 'v1.33.0',
      },
    },
  });
}

describe('what is audited', () => {
  it.each([
    [['--nodes', ''], 'names no node'],
    [['--selector', ','], 'has no label'],
    [['--pod', 'shop/web', '--nodes', 'node-1'], 'Leave out --nodes'],
    [['-n', 'shop', '--nodes', 'node-1'], 'Leave out --nodes'],
    [['-n', ''], '--namespace is empty'],
    [['--deadline', '0.5s'], 'whole seconds'],
    [['--deadline', '1h'], 'from 5s to 10m'],
    [['--deadline', '60'], 'a number with its unit'],
    [['--settle', '5'], 'a number with its unit'],
  ])('is never the whole cluster by mistake: %j', async (args, words) => {
    expect(await audit(...args)).toMatchObject({ code: 2, error: expect.stringContaining(words) });
    expect(stub.requests).toEqual([]);
  });

  it('is not every node for a pod that has none', async () => {
    addNode('node-1');
    stub.pods.set('shop/web', {
      metadata: { name: 'web', namespace: 'shop', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { containers: [] },
      status: { phase: 'Pending' },
    });
    expect(await audit('--pod', 'shop/web')).toMatchObject({
      code: 2,
      error: expect.stringContaining('shop/web is on no node yet'),
    });
    expect(await audit('-n', 'shop', '--pod', 'web')).toMatchObject({
      code: 2,
      error: expect.stringContaining('shop/web is on no node yet'),
    });
    expect(await audit('-n', 'shop')).toMatchObject({
      code: 2,
      error: expect.stringContaining('no pod of shop is on a node yet'),
    });
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toEqual([]);
  });

  it('is no node without a pod of the namespace that was asked for', async () => {
    addNode('node-1');
    addNode('node-2');
    stub.pods.set('shop/web', {
      metadata: { name: 'web', namespace: 'shop', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { nodeName: 'node-2', containers: [] },
      status: { phase: 'Running' },
    });
    expect((await audit('-n', 'shop')).error).toContain('Auditing 1 node');
  });
});

describe('a cluster with nothing to probe', () => {
  it('has no nodes: that is said, and all is well', async () => {
    const said = await audit();
    expect(said.error).toContain('The cluster has no nodes: there is nothing to probe.');
    expect(said.out).toContain('HEALTHY');
    expect(said.out).toContain('the cluster has no nodes: there is nothing to audit');
    expect(said.code).toBe(0);
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toEqual([]);
  });

  it('has Fargate alone: its nodes are skipped, and all is well', async () => {
    addNode('fargate-1', { 'eks.amazonaws.com/compute-type': 'fargate' });
    const said = await audit();
    expect(said.out).toContain('HEALTHY');
    expect(said.out).toContain('0 nodes audited, 1 skipped');
    expect(said.code).toBe(0);
    expect(stub.requests.filter((each) => each.startsWith('POST'))).toEqual([]);
  });

  it('is no answer to whoever asks for a node or a label', async () => {
    expect(await audit('--nodes', 'node-1')).toMatchObject({
      code: 2,
      error: expect.stringContaining('no such node'),
    });
    expect(await audit('--selector', 'zone=a')).toMatchObject({
      code: 2,
      error: expect.stringContaining('labels'),
    });
  });

  it.each([
    ['no nodes', () => {}],
    ['Fargate alone', () => addNode('fargate-1', { 'eks.amazonaws.com/compute-type': 'fargate' })],
  ])('is in order for the doctor, who has nowhere to send a probe: %s', async (_, prepare) => {
    prepare();
    const path = join(directory, 'kubeconfig');
    const said = await run('doctor', '--kubeconfig', path, '--store', 'none');
    expect(said.out).toMatch(/skipped {2}admission {6}the cluster has no node to probe\nskipped {2}probe/);
    expect(said.code).toBe(0);
  });
});

it('says once that nobody answers, and does not wait long for who never did', async () => {
  const path = join(directory, 'nobody');
  await writeFile(path, stub.kubeconfig({ server: 'https://127.0.0.1:1' }));
  const said = await run('audit', '--kubeconfig', path, '--store', 'none');
  expect(said.error.split('\n')).toEqual([
    'no answer from the API server https://127.0.0.1:1: ECONNREFUSED; trying again.',
    'netns-audit: no answer from the API server https://127.0.0.1:1: ECONNREFUSED',
    '  Check that the API server runs and that the address and port in the kubeconfig are right.',
    '',
  ]);
  expect(said.code).toBe(4);
}, 12_000);

it('prints the report also where evidence cannot be kept, and ends in the code for that', async () => {
  addNode('node-1');
  const store = join(directory, 'store');
  // A file at the path of the evidence folder.
  await mkdir(store);
  await writeFile(join(store, 'evidence'), '');
  const ended = await audit('--store', store, '-o', 'json');
  expect(ended.error).toContain('evidence');
  expect(JSON.parse(ended.out)).toMatchObject({ kind: 'ClusterReport' });
  expect(ended).toMatchObject({ code: 5 });
  expect(await readdir(store)).toContain('reports');
});

it('does not break where its reader leaves early', async () => {
  const program = fileURLToPath(new URL('../../bin/netns-audit.ts', import.meta.url));
  const command = `("$0" "$1" demo; echo "ended $?" >&2) | true`;
  const error = await new Promise<string>((resolve) => {
    execFile('sh', ['-c', command, process.execPath, program], (_, __, stderr) => resolve(stderr));
  });
  expect(error).toBe('ended 0\n');
}, 30_000);
