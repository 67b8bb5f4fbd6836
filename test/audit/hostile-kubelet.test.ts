/**
 * Two nodes, of which the kubelet of one writes whatever the API server admits into its own objects: text, numbers and
 * lists of the right type. The other's results are the same to the byte.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { ActiveProbe } from '../../lib/model/active-probe.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { probeShape } from '../../scripts/admission-policy/shapes.ts';
import { elsewhere, named, type RecordedNode, recordedNode } from '../fuzz/nodes.ts';
import { violations, wordsAbout } from '../fuzz/oracle.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawEvent } from '../stub/raw.ts';
import { audit, coverageOf, endWith, type Forge, serveNode } from './recorded.ts';

const HOSTILE = 'node-4';
let hostile: RecordedNode;
let neighbour: RecordedNode;

beforeAll(async () => {
  hostile = named(await recordedNode('healthy'), HOSTILE);
  neighbour = elsewhere(await recordedNode('broken'));
});
/** All audits at one moment, so that they can be compared byte by byte. */
async function atItsTime<T>(act: () => Promise<T>): Promise<T> {
  const now = Number(/^time=(\d+)$/m.exec(Buffer.from(neighbour.files.get('meta') ?? '').toString())?.[1]);
  vi.useFakeTimers({ toFake: ['Date'], now: (now + 2) * 1000 });
  try {
    return await act();
  } finally {
    vi.useRealTimers();
  }
}

/** An event as the kubelet writes it when the network of a pod fails. */
const failedSandbox = {
  reason: 'FailedCreatePodSandBox',
  message: 'failed to setup network for sandbox: plugin type="bridge" failed (add): no address left',
  kind: 'Pod',
  uid: null,
  node: HOSTILE,
  count: 3,
  firstSeen: '2026-11-23T13:00:00Z',
  lastSeen: '2026-11-23T13:20:00Z',
};

type Audited = { readonly report: ClusterReport; readonly args: readonly string[] };

/** With the arguments of the neighbour's probe. */
async function audited(forge: Forge | null, active: readonly ActiveProbe[] = []): Promise<Audited> {
  const stub = await StubApiServer.start();
  try {
    if (forge !== null) {
      const [pod] = hostile.before.pods;
      await serveNode(stub, hostile, forge);
      stub.events.push(
        forge(
          'event',
          rawEvent({ ...failedSandbox, namespace: pod?.namespace ?? '', name: pod?.name ?? '' }),
        ),
      );
    }
    await serveNode(stub, neighbour);
    const args: string[] = [];
    const ending = stub.ending;
    endWith(stub, neighbour.before.node.name, (pod) => {
      const { containers } = pod.spec as { containers: { args?: string[] }[] };
      args.push(...containers.flatMap((container) => container.args ?? []));
      return ending(pod);
    });
    const settleSeconds = { pod: 0, orphan: 0 };
    return { report: await audit(stub, { active, concurrency: 1, settleSeconds }), args };
  } finally {
    await stub.close();
  }
}

type Leaf = string | number | boolean | null | undefined;

/** Every value within an object, and every list after its items. */
function everywhere(value: unknown, change: Change): unknown {
  if (Array.isArray(value)) return change.list(value.map((item) => everywhere(item, change)));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, everywhere(inner, change)]),
    );
  return change.leaf(value as Leaf);
}
type Change = { leaf(value: Leaf): Leaf; list(items: readonly unknown[]): readonly unknown[] };

const asTheyAre: Change = { leaf: (value) => value, list: (items) => items };
const texts = (text: (value: string) => string): Change => ({
  ...asTheyAre,
  leaf: (value) => (typeof value === 'string' ? text(value) : value),
});
const numbers = (number: number): Change => ({
  ...asTheyAre,
  leaf: (value) => (typeof value === 'number' ? number : value),
});

const changes: readonly (readonly [string, Change])[] = [
  ['nothing in any text', texts(() => '')],
  ['20 kB in every text', texts((value) => value.padEnd(20_000, 'x'))],
  ['markup and escapes in every text', texts((value) => `${value}\u001b[2J\u202e\u0000<b pwned>|*@all*`)],
  ['options and commands in every text', texts(() => '--pwned $(touch /pwned) `id`')],
  ['a lone surrogate in every text', texts((value) => `${value}\ud800`)],
  ['numbers beyond all in every text', texts(() => '99999999999999999999999')],
  ['a time that no date has in every text', texts(() => '+275760-09-13T00:00:00Z')],
  ['names of objects of every program in every text', texts(() => '__proto__')],
  ['the greatest of numbers', numbers(Number.MAX_SAFE_INTEGER)],
  ['numbers below zero', numbers(-Number.MAX_SAFE_INTEGER)],
  ['no items in any list', { ...asTheyAre, list: () => [] }],
  [
    '60 items in every list',
    {
      ...asTheyAre,
      list: (items) =>
        typeof items[0] === 'object'
          ? [...items, ...Array.from({ length: 60 }, () => items[0] ?? null)]
          : items,
    },
  ],
];

/** What a kubelet may write: the status and labels of its node, mirror pods and the status of all its pods, events. */
const forges: Readonly<Record<string, (change: Change) => Forge>> = {
  'its node': (change) => (kind, object) =>
    kind !== 'node'
      ? object
      : {
          ...object,
          metadata: { ...object.metadata, labels: labels(object, change) },
          status: everywhere(object.status, change) as Record<string, unknown>,
        },
  'its pods and events': (change) => (kind, object) => {
    const { metadata, spec, status, ...event } = object;
    if (kind === 'node') return object;
    // Another reason or kind, and no check would read it.
    if (kind === 'event') {
      const { reason, involvedObject } = event as { reason?: unknown; involvedObject?: object };
      const forged = everywhere({ ...event, involvedObject }, change) as { involvedObject: object };
      return {
        metadata,
        ...forged,
        reason,
        involvedObject: { ...forged.involvedObject, kind: 'Pod' },
      } as ApiObject;
    }
    return {
      metadata: { ...metadata, labels: labels(object, change) },
      spec: { ...(everywhere(spec, change) as object), nodeName: HOSTILE },
      // In another phase, nothing would look at the pod.
      status: { ...(everywhere(status, change) as object), phase: status?.phase },
    };
  },
};

function labels({ metadata }: ApiObject, change: Change): Record<string, string> {
  return everywhere(metadata.labels, change) as Record<string, string>;
}

/** How many pods a workload has is unknown where the pods of a node are. */
function withoutReplicas(words: string): string {
  return words.replace(/"replicas":\d+,/, '');
}

describe('beside a node whose kubelet lies', { timeout: 120_000 }, () => {
  let alone: ClusterReport;
  beforeAll(async () => {
    alone = (await atItsTime(() => audited(null))).report;
  });

  it('the neighbour has findings of its own', () => {
    expect(alone.findings.length).toBeGreaterThan(5);
    expect(coverageOf(alone, neighbour.before.node.name)?.result).toBe('audited');
  });

  const lies = Object.entries(forges).flatMap(([where, forge]) =>
    changes.map(([what, change]) => ({ where, what, forge: forge(change) })),
  );

  it.each(lies)('with $what of $where, the same is said of its neighbour', async ({ forge }) => {
    const { report } = await atItsTime(() => audited(forge));
    expect(coverageOf(report, HOSTILE)).toBeDefined();
    expect(wordsAbout(report).map(withoutReplicas)).toEqual(wordsAbout(alone).map(withoutReplicas));
    for (const { fingerprint, replicas } of report.findings.filter(({ object }) => object.node !== HOSTILE))
      expect([
        undefined,
        alone.findings.find((each) => each.fingerprint === fingerprint)?.replicas,
      ]).toContain(replicas);
    expect(violations(report, neighbour.before.pods)).toEqual([]);
  });
});

describe('the pings of a neighbour to a node whose kubelet lies', { timeout: 120_000 }, () => {
  const admitted = new RegExp(probeShape().taken?.[0] ?? '(?!)');
  const ofNode =
    (address: string): Forge =>
    (kind, object) =>
      kind === 'node'
        ? { ...object, status: { ...object.status, addresses: [{ type: 'InternalIP', address }] } }
        : object;
  const crossed = (address: string) => atItsTime(() => audited(ofNode(address), ['cross']));

  it('go to the address that the kubelet gives the node', async () => {
    const { args } = await crossed('10.0.0.99');
    expect(args.find((each) => each.startsWith('cross='))).toMatch(/^cross=10\.0\.0\.99,/);
    expect(args.filter((each) => !admitted.test(each))).toEqual([]);
  });

  it.each(['224.0.0.1', '255.255.255.255', '127.0.0.1', '169.254.169.254', 'fe80::1%eth0', 'reboot'])(
    'are none where it gives %s, and the neighbour is audited',
    async (address) => {
      const { args, report } = await crossed(address);
      expect(args.filter((each) => /^(?:cross|from)=/.test(each) || !admitted.test(each))).toEqual([]);
      expect(coverageOf(report, neighbour.before.node.name)?.result).toBe('audited');
    },
  );
});
