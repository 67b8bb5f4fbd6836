import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Cluster,
  connect,
  listEvents,
  listNodes,
  listPodsInNamespace,
  listPodsOnNode,
} from '../../lib/cluster/index.ts';
import { Transport } from '../../lib/cluster/transport.ts';
import { StubApiServer } from '../stub/api-server.ts';

let stub: StubApiServer;
let cluster: Cluster;

beforeEach(async () => {
  stub = await StubApiServer.start();
  cluster = await connect({ kind: 'kubeconfig-text', text: stub.kubeconfig() }, { version: '1.2.3' });
});
afterEach(async () => {
  await cluster.transport.close();
  await stub.close();
});

const version = (options: { deadline?: number; timeout?: number; signal?: AbortSignal } = {}) =>
  cluster.transport.json({ path: '/version', what: 'read the version', ...options });

describe('requests to one API server', () => {
  it('share their connections: a hundred in a row need no new one', async () => {
    const before = stub.connections;
    for (let n = 0; n < 100; n += 1) await version();
    expect(stub.connections - before).toBeLessThanOrEqual(1);
  });

  it('are counted, those that had to be repeated included', async () => {
    const before = cluster.transport.requests;
    stub.fail({ path: '/version', status: 503, times: 2 });
    await version();
    expect(cluster.transport.requests - before).toBe(3);
  });

  it('say who asks', async () => {
    await version();
    expect(stub.headers['user-agent']).toBe('netns-auditor/1.2.3');
  });

  it('give up at their deadline, with the last answer as the reason', async () => {
    stub.fail({ path: '/version', status: 503, message: 'etcd is away', times: 1_000 });
    const start = Date.now();
    await expect(version({ deadline: 400 })).rejects.toMatchObject({
      code: 'CLUSTER_API',
      retryable: true,
      message: expect.stringContaining('503: etcd is away'),
    });
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  it('do not wait for credentials that never come', async () => {
    const transport = new Transport(
      {
        server: cluster.transport.server,
        tls: {},
        proxy: null,
        headers: () => new Promise<never>(() => {}),
      },
      'test',
    );
    const ask = (options: { deadline?: number; signal?: AbortSignal }) =>
      transport.json({ path: '/version', what: 'read the version', ...options });
    await expect(ask({ deadline: 200 })).rejects.toMatchObject({
      code: 'CLUSTER_UNAUTHENTICATED',
      message: 'no credentials in time (read the version)',
    });
    await expect(ask({ signal: AbortSignal.timeout(100) })).rejects.toMatchObject({ code: 'ABORTED' });
    await transport.close();
  });

  it('do not wait for a server that asks for more time than there is', async () => {
    stub.fail({ path: '/version', status: 429, headers: { 'retry-after': '3600' } });
    const start = Date.now();
    await expect(version({ deadline: 5_000 })).rejects.toMatchObject({ code: 'CLUSTER_API' });
    expect(Date.now() - start).toBeLessThan(4_000);
  });

  it('are given up soon where nothing was ever reached, whatever their deadline, and that is said once', async () => {
    const told: string[] = [];
    const transport = new Transport(
      { server: 'https://127.0.0.1:1', tls: {}, proxy: null, headers: async () => ({}) },
      'test',
      (error) => told.push(error.message),
    );
    await expect(
      transport.json({ path: '/version', what: 'read the version', deadline: 60_000 }),
    ).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
    expect(told).toEqual(['no answer from the API server https://127.0.0.1:1: ECONNREFUSED']);
    await transport.close();
  }, 12_000);

  it('are tried again when one gets no answer in its time', async () => {
    stub.fail({ path: '/version', silent: true });
    expect(await version({ timeout: 200 })).toMatchObject({ gitVersion: expect.any(String) });
  });

  it('say that no answer came, when none does', async () => {
    stub.fail({ path: '/version', silent: true, times: 100 });
    await expect(version({ timeout: 100, deadline: 400 })).rejects.toMatchObject({
      code: 'CLUSTER_UNREACHABLE',
      message: expect.stringContaining('did not answer in time (read the version)'),
    });
  });

  it('end at once when the run is interrupted, though the server is slow', async () => {
    stub.fail({ path: '/version', slow: 5_000 });
    const interrupt = new AbortController();
    const start = Date.now();
    const asked = version({ signal: interrupt.signal });
    setImmediate(() => interrupt.abort());
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    expect(Date.now() - start).toBeLessThan(4_000);
  });

  it('end at once when the run is interrupted while they wait to be repeated', async () => {
    stub.fail({ path: '/version', status: 429, headers: { 'retry-after': '30' } });
    const interrupt = new AbortController();
    const asked = version({ signal: interrupt.signal });
    setTimeout(() => interrupt.abort(), 100);
    await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('are not repeated when the server does not allow them', async () => {
    stub.fail({ path: '/nodes', status: 403, message: 'nodes is forbidden', times: 10 });
    const before = stub.requests.length;
    await expect(listNodes(cluster)).rejects.toMatchObject({
      code: 'CLUSTER_FORBIDDEN',
      message: expect.stringContaining('not allowed to list nodes'),
      remedy: expect.stringContaining('netns-audit manifests'),
    });
    expect(stub.requests.length - before).toBe(1);
  });
});

describe('answers that are compressed', () => {
  const zeros = (megabytes: number): Buffer => gzipSync(Buffer.alloc(megabytes * 1024 * 1024));
  const answer = (encoding: string, bytes: Uint8Array, times = 1): void =>
    stub.fail({ path: '/version', encoding, bytes, times });

  it('are read as if they were not, and cross the network at a tenth of their size', async () => {
    for (let n = 0; n < 2_000; n += 1)
      stub.nodes.push({
        metadata: { name: `node-${n}`, labels: { zone: 'eu-west-1a', team: 'shop' } },
        status: {},
      });
    const before = stub.sent;
    const list = { path: '/api/v1/nodes', what: 'list nodes' };
    expect(await cluster.transport.json(list)).toMatchObject({ items: stub.nodes });
    const compressed = stub.sent - before;
    await cluster.transport.text(list);
    const plain = stub.sent - before - compressed;
    expect(compressed).toBeLessThan(plain / 10);
  });

  it('are refused once they unpack to more than the limit, however small they come', async () => {
    const bomb = zeros(64);
    expect(bomb.length).toBeLessThan(100_000);
    answer('gzip', bomb);
    await expect(
      cluster.transport.json({ path: '/version', what: 'read the version' }, 1_000_000),
    ).rejects.toMatchObject({
      code: 'CLUSTER_API',
      message: 'read the version: the answer is larger than 1000000 bytes',
    });
    // The connection it arrived on does not block the next request.
    expect(await version()).toMatchObject({ gitVersion: expect.any(String) });
  });

  it('are asked for again when they arrive cut or damaged', async () => {
    const whole = gzipSync(JSON.stringify({ gitVersion: 'v1.36.0' }));
    answer('gzip', whole.subarray(0, whole.length - 12));
    answer('gzip', Buffer.from('no gzip at all'));
    expect(await version()).toMatchObject({ gitVersion: expect.any(String) });
    answer('gzip', whole.subarray(0, 20), 1_000);
    await expect(version({ deadline: 400 })).rejects.toMatchObject({
      code: 'CLUSTER_API',
      message: 'read the version: the compressed answer is damaged: unexpected end of file',
    });
  });

  it('name an encoding that nobody asked for', async () => {
    answer('br', Buffer.from('x'));
    await expect(version()).rejects.toMatchObject({
      code: 'CLUSTER_API',
      message: 'read the version: the answer is encoded as br',
    });
  });
});

describe('a pod by its name', () => {
  const metadata = { uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };

  it('is found with no more than the right to list', async () => {
    for (const name of ['cart', 'web']) {
      stub.pods.set(`shop/${name}`, {
        metadata: { ...metadata, name, namespace: 'shop' },
        spec: { nodeName: `node-of-${name}`, containers: [] },
      });
    }
    expect(await listPodsInNamespace(cluster, { namespace: 'shop', name: 'web' })).toMatchObject([
      { name: 'web', node: 'node-of-web' },
    ]);
    expect(stub.requests.at(-1)).toMatch(/^GET \/api\/v1\/namespaces\/shop\/pods\?/);
  });

  it('that is not there is a slip of whoever typed it', async () => {
    const missing = (name: string | null) => listPodsInNamespace(cluster, { namespace: 'shop', name });
    await expect(missing('wep')).rejects.toMatchObject({ code: 'USAGE', message: 'no such pod: shop/wep' });
    await expect(missing(null)).rejects.toMatchObject({ message: 'no pods in the namespace shop' });
  });
});

describe('what is kept of a list', () => {
  it('is an allow-list: no environment, no argument, no annotation of others', async () => {
    stub.pods.set('shop/cart', {
      metadata: {
        name: 'cart',
        namespace: 'shop',
        uid: 'u',
        creationTimestamp: '2026-01-01T00:00:00Z',
        annotations: {
          'k8s.v1.cni.cncf.io/network-status': '[]',
          'kubectl.kubernetes.io/last-applied-configuration': 'hunter2',
        },
        managedFields: [{ manager: 'hunter2' }],
      },
      spec: {
        nodeName: 'node-1',
        containers: [{ name: 'cart', env: [{ name: 'PASSWORD', value: 'hunter2' }], args: ['hunter2'] }],
        volumes: [{ name: 'hunter2' }],
      },
    });
    const [pod] = await listPodsOnNode(cluster, 'node-1', { since: '0' });
    expect(pod?.annotations).toEqual({ 'k8s.v1.cni.cncf.io/network-status': '[]' });
    expect(JSON.stringify(pod)).not.toContain('hunter2');
  });

  it('is of events only those about sandboxes and the network, and not without end', async () => {
    for (const reason of ['Pulled', 'FailedCreatePodSandBox', 'Scheduled']) {
      stub.events.push({
        metadata: { name: reason, namespace: 'shop' },
        reason,
        message: 'x'.repeat(100_000),
        involvedObject: { kind: 'Pod', namespace: 'shop', name: 'cart' },
        lastTimestamp: '2026-01-01T00:00:00Z',
      });
    }
    const events = await listEvents(cluster);
    expect(events.map(({ reason }) => reason)).toEqual(['FailedCreatePodSandBox']);
    expect(events[0]?.message.length).toBeLessThanOrEqual(4_096);
  });
});
