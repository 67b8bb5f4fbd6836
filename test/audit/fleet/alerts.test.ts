import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Notifier } from '../../../lib/alert/index.ts';
import { concludeFleet, planFleet, runFleet } from '../../../lib/audit/fleet/index.ts';
import { DirectoryStore, type Store } from '../../../lib/history/index.ts';
import { configSchema } from '../../../lib/model/config.ts';
import { nothingDamaged } from '../../history/nothing-damaged.ts';
import { StubApiServer } from '../../stub/api-server.ts';
import { serveRecording } from '../recorded.ts';

type Sent = Parameters<Notifier['send']>[0];

let stub: StubApiServer;
let directory: string;
let store: Store;
let sent: Sent[];
const notifier: Notifier = {
  destination: 'the topic',
  async send(message) {
    sent.push(message);
    return `id-${sent.length}`;
  },
};

beforeEach(async () => {
  stub = await StubApiServer.start();
  await serveRecording(stub, 'broken');
  directory = await mkdtemp(join(tmpdir(), 'netns-auditor-alerts-'));
  store = new DirectoryStore(directory);
  sent = [];
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
});
afterEach(async () => {
  vi.useRealTimers();
  await stub.close();
  await rm(directory, { recursive: true });
});

/** One run of a fleet with one cluster, with further settings. */
async function run(more: object = {}, readSecret = async () => stub.kubeconfig()) {
  const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod';
  const config = configSchema.parse({ clusters: [{ name: 'prod', kubeconfigSecret: arn }], ...more });
  // Runs of the same second have no order.
  vi.setSystemTime(Date.now() + 60_000);
  const { fleet } = await runFleet(store, config, {
    find: async () => ({ clusters: [], gaps: [], looked: [], accounts: [] }),
    connections: { version: '0.0.0', readSecret },
    notifiers: [notifier],
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  return fleet;
}

describe('exceptions of a fleet', () => {
  const exception = { check: '*', objects: ['*'], reason: 'known', owner: 'me', expires: '2999-01-01' };

  it('reach the conclusion of the clusters that they are for, and nobody is told of what they cover', async () => {
    expect(await run({ exceptions: [{ ...exception, clusters: ['pr*'] }] })).toMatchObject({
      verdict: 'healthy',
      clusters: [{ findings: { critical: 0, high: 0, medium: 0 }, told: false }],
    });
    expect(sent).toEqual([]);
  });

  it('do not reach others', async () => {
    expect(await run({ exceptions: [{ ...exception, clusters: ['stage'] }] })).toMatchObject({
      verdict: 'critical',
    });
    expect(sent).toHaveLength(1);
  });
});

describe('a digest', () => {
  it('comes where it is asked for, after the messages about clusters, with one line for each', async () => {
    await run();
    expect(sent.map(({ attributes }) => attributes.kind)).toEqual(['change']);
    await run({ digest: true });
    const [, digest, more] = sent;
    expect(more).toBeUndefined();
    expect(digest).toMatchObject({
      subject: 'netns-audit: 1 cluster: 1 critical',
      attributes: { kind: 'digest', severity: 'critical', cluster: '*' },
    });
    expect(digest?.text).toMatch(/^1 cluster: 1 critical\.\n\nCritical:\n {2}prod: \d critical/);
    expect(JSON.parse(digest?.json ?? '')).toMatchObject({ kind: 'Digest', clusters: [{ cluster: 'prod' }] });
  });

  it('is sent once however often the end of the run is tried, and names clusters without a report', async () => {
    const lost = { cluster: 'gone', reason: 'ALERT: throttled' };
    const input = { runId: '20261123T020000Z-00000000', digest: true, clusters: [lost] };
    for (const _ of [1, 2]) await concludeFleet(store, input, { notifiers: [notifier], consoleRegion: null });
    expect(sent).toMatchObject([
      { text: expect.stringContaining('Without a report:\n  gone: ALERT: throttled') },
    ]);
  });

  it('is sent once where its page cannot be written at first', async () => {
    const write = store.putOnce.bind(store);
    const putOnce = vi.spyOn(store, 'putOnce').mockImplementation(async (key, body) => {
      if (key.endsWith('.html')) throw new Error('refused');
      return await write(key, body);
    });
    const input = { runId: '20261123T020000Z-00000000', digest: true, clusters: [] };
    const conclude = () => concludeFleet(store, input, { notifiers: [notifier], consoleRegion: null });
    await expect(conclude()).rejects.toThrow('refused');
    putOnce.mockRestore();
    await conclude();
    expect(sent).toHaveLength(1);
  });

  it('does not come by the hour', async () => {
    const input = {
      scheduledTime: '2026-11-23T02:00:00Z',
      execution: 'one',
      clusters: [
        { name: 'prod', kubeconfigSecret: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:x' },
      ],
      settings: {},
      digest: true,
    };
    expect(await planFleet(store, { ...input, schedule: 'nightly' }, nothingDamaged)).toMatchObject({
      digest: true,
    });
    const hourly = { ...input, schedule: 'hourly', start: { checks: 'counts' as const } };
    expect(await planFleet(store, hourly, nothingDamaged)).toMatchObject({ digest: false });
  });
});

it('tells once that a cluster is not reached, and that it is again', async () => {
  await run();
  const refused = async () => {
    throw new Error('no such secret');
  };
  for (const _ of [1, 2]) await run({}, refused);
  await run();
  expect(sent.map(({ subject }) => subject.slice(0, 60))).toEqual([
    expect.stringMatching(/^prod critical: .* new/),
    'prod critical: not audited: the cluster was not reached: Err',
    expect.stringMatching(/^prod critical: audited again/),
  ]);
});
