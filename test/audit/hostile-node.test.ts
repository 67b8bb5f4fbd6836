/** Two nodes, one of which lies in every known way: the other's results are the same to the byte. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterReport } from '../../lib/model/report.ts';
import {
  elsewhere,
  ghostOf,
  NEIGHBOUR,
  named,
  type RecordedNode,
  recordedNode,
  withGhost,
} from '../fuzz/nodes.ts';
import { violations, wordsAbout } from '../fuzz/oracle.ts';
import { StubApiServer } from '../stub/api-server.ts';
import { audit, endWith, serveNode } from './recorded.ts';

const HOSTILE = 'node-4';

/** A node with its bundle as text, which attacks modify. */
type Lies = { files: Map<string, string>; node: RecordedNode };
type Attack = (lies: Lies, neighbour: RecordedNode) => void;

let stub: StubApiServer;
let healthy: RecordedNode;
let neighbour: RecordedNode;
/** A pod of the neighbour that the API forgot while its sandbox keeps running. */
let ghost: RecordedNode['before']['pods'][number];

beforeAll(async () => {
  healthy = named(await recordedNode('healthy'), HOSTILE);
  const broken = elsewhere(await recordedNode('broken'));
  ghost = ghostOf(broken);
  neighbour = withGhost(broken);
});
beforeEach(async () => {
  // The same moment for all audits, so that they can be compared byte by byte.
  const now = Number(/^time=(\d+)$/m.exec(Buffer.from(neighbour.files.get('meta') ?? '').toString())?.[1]);
  vi.useFakeTimers({ toFake: ['Date'], now: (now + 2) * 1000 });
  stub = await StubApiServer.start();
});
afterEach(async () => {
  await stub.close();
  vi.useRealTimers();
});

function lied(attack: Attack): RecordedNode {
  const lies = {
    files: new Map([...healthy.files].map(([path, content]) => [path, Buffer.from(content).toString()])),
    node: healthy,
  };
  attack(lies, neighbour);
  return {
    ...lies.node,
    files: new Map([...lies.files].map(([path, text]) => [path, Buffer.from(text)])),
  };
}

/** The neighbour's audit; the hostile node is read first, and finishes first. */
async function audited(
  hostile: RecordedNode | null,
  previous: ClusterReport | null = null,
): Promise<ClusterReport> {
  if (hostile !== null) await serveNode(stub, hostile);
  await serveNode(stub, neighbour);
  return await audit(stub, { previous, concurrency: 1, settleSeconds: { pod: 0, orphan: 0 } });
}

const edit = (path: string, change: (text: string) => string): Attack => {
  return ({ files }) => void files.set(path, change(files.get(path) ?? ''));
};
/** Inserted before existing lines, as some lists end with their length. */
const lines = (path: string, count: number, line: (index: number) => string): Attack =>
  edit(path, (text) => `${Array.from({ length: count }, (_, index) => line(index)).join('\n')}\n${text}`);
const together =
  (...attacks: Attack[]): Attack =>
  (lies, other) => {
    for (const attack of attacks) attack(lies, other);
  };
const hex = (index: number, length: number) => index.toString(16).padStart(length, '0');
const pinned = (index: number) => `file ${4026540000 + index} -r--r--r-- 1795437622 ${pin(index)}`;
const pin = (index: number) => `/run/netns/cni-${hex(index, 8)}-0000-4000-8000-000000000000`;
const mount = (index: number) =>
  `${1000 + index} 58 0:4 net:[${4026540000 + index}] ${pin(index)} rw shared:13 - nsfs nsfs rw`;
const sandboxOf = (node: RecordedNode, uid: string): string => {
  const specs = Buffer.from(node.files.get('sandboxes.ndjson') ?? '').toString();
  const own = specs.split('\n').find((line) => line.includes(uid) && line.includes('"sandbox"'));
  const id = /"io\.kubernetes\.cri\.sandbox-id":"([0-9a-f]{64})"/.exec(own ?? '')?.[1];
  if (id === undefined) throw new Error('the pod has no sandbox');
  return id;
};
const stack = (change: (text: string) => string): Attack => {
  return ({ files }) => {
    for (const [path, text] of files) if (/^netns\/\d+\/ip\.json$/.test(path)) files.set(path, change(text));
  };
};

/**
 * The address of a neighbour's pod, in a namespace and, if the kubelet lies too, in the status of the node's
 * own pod.
 */
const steals =
  (ofWhat: { status: boolean; howMany: number }): Attack =>
  (lies, other) => {
    const own = lies.node.after.pods.filter(({ hostNetwork, podIPs }) => !hostNetwork && podIPs.length > 0);
    const theirs = other.after.pods.filter(({ hostNetwork, podIPs }) => !hostNetwork && podIPs.length > 0);
    const swaps = theirs
      .slice(0, ofWhat.howMany)
      .map((pod, index) => [own[index]?.podIPs[0] ?? '', pod.podIPs[0] ?? ''] as const);
    const swapped = (text: string) =>
      swaps.reduce((all, [mine, stolen]) => all.replaceAll(`"${mine}"`, `"${stolen}"`), text);
    stack(swapped)(lies, other);
    edit('sandboxes.files', (text) => text.replaceAll(/^\d+ /gm, '1 '))(lies, other);
    if (!ofWhat.status) return;
    const forged = (of: RecordedNode['before']): RecordedNode['before'] =>
      JSON.parse(swapped(JSON.stringify(of)));
    lies.node = { ...lies.node, before: forged(lies.node.before), after: forged(lies.node.after) };
  };

/** Claims that the sandbox of the neighbour's ghost is on this node. */
const copiesTheGhost: Attack = ({ files }, other) => {
  const id = sandboxOf(other, ghost.uid);
  for (const [path, content] of other.files) {
    if (!path.startsWith('sandboxes.')) continue;
    const own = Buffer.from(content)
      .toString()
      .split('\n')
      .filter((line) => line.includes(id));
    files.set(
      path,
      `${files.get(path) ?? ''}${own.map((line) => `${line.replace(/^\d{10} /, '1795437622 ')}\n`).join('')}`,
    );
  }
};

const MANY = 20_000;
const attacks: readonly (readonly [string, Attack])[] = [
  [
    'says a number that no number can hold',
    edit('kernel/sysctl', (text) => text.replace(/(max_net_namespaces:)\d+/, '$199999999999999999999')),
  ],
  ['lists 130,000 pins', lines('host/pins', 130_000, (index) => `file 1 -r--r--r-- 1 /${index}`)],
  [
    'has 16,000 addresses in each of its pods',
    stack((text) =>
      text.replaceAll(/"addr_info":\[(?=\{"family":"inet","local":"10\.)/g, (found) => {
        const address = (index: number) =>
          `{"family":"inet","local":"10.${50 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}","prefixlen":24,"scope":"global","label":"eth0"},`;
        return found + Array.from({ length: 16_000 }, (_, index) => address(index)).join('');
      }),
    ),
  ],
  [
    'has as many pins as mounts, thousands of each',
    together(lines('host/pins', 8_000, pinned), lines('host/mounts', 8_000, mount)),
  ],
  ['has thousands of mounts of namespaces', lines('host/mounts', MANY, mount)],
  [
    'has thousands of mounts',
    lines(
      'host/mounts',
      MANY,
      (index) => `${1000 + index} 58 0:9 / /m/${index} rw shared:1 - tmpfs tmpfs rw`,
    ),
  ],
  [
    'keeps thousands of sandboxes, and results of as many',
    together(
      lines(
        'sandboxes.kept',
        MANY,
        (index) =>
          `1795437622 /proc/1/root/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${hex(index, 64)}`,
      ),
      ({ files }) => {
        const [first = ''] = (files.get('cni/results.ndjson') ?? '').split('\n');
        const id = /[0-9a-f]{64}/.exec(first)?.[0] ?? '';
        const short = first.replace(/"args":\[.*?\]\]/, '"args":[]');
        const room = Math.floor((3.5 * 1024 * 1024) / short.length);
        lines('cni/results.ndjson', Math.min(MANY, room), (index) => short.replaceAll(id, hex(index, 64)))(
          { files, node: healthy },
          neighbour,
        );
      },
    ),
  ],
  [
    'has thousands of containers in one sandbox',
    ({ files }, other) => {
      const specs = files.get('sandboxes.ndjson') ?? '';
      const container = specs.split('\n').find((line) => line.includes('"container"')) ?? '';
      const id = /k8s\.io\/([0-9a-f]{64})/.exec(container)?.[1] ?? '';
      const room = Math.floor((3.5 * 1024 * 1024) / container.length);
      const lies = { files, node: healthy };
      lines('sandboxes.ndjson', Math.min(MANY, room), (index) => container.replaceAll(id, hex(index, 64)))(
        lies,
        other,
      );
    },
  ],
  ['forges the address of another pod, and the status of its own', steals({ status: true, howMany: 1 })],
  ['holds the address of a pod of another node', steals({ status: false, howMany: 1 })],
  ['holds the addresses of many pods of another node', steals({ status: true, howMany: 6 })],
  ['says that a ghost of another node is here', copiesTheGhost],
  ['has no number of its process', edit('host/facts', (text) => text.replace(/^pid=.*$/m, 'pid=x'))],
  [
    'does not say its own namespace',
    edit('host/facts', (text) => text.replace(/^\/proc\/1\/ns\/net=.*$/m, '')),
  ],
  [
    'lives in a year that no date has',
    edit('meta', (text) => text.replace(/^time=.*$/m, 'time=9007199254740991')),
  ],
  [
    'calls a pod as an option',
    edit('sandboxes.ndjson', (text) =>
      text
        .replaceAll(/("io\.kubernetes\.cri\.sandbox-name":)"[^"]*"/g, '$1"--pwned"')
        .replaceAll(
          /("io\.kubernetes\.cri\.sandbox-uid":)"[^"]*"/g,
          '$1"d5d3b6a4-0000-4000-8000-000000000000"',
        ),
    ),
  ],
  [
    'calls an interface as an option',
    ({ files }) => {
      files.set(
        'host/ip.json',
        (files.get('host/ip.json') ?? '').replaceAll(/"veth[0-9a-f]+"/g, '"--pwned"'),
      );
    },
  ],
  [
    'writes to the terminal and the page of who reads it',
    ({ files }) => {
      for (const path of ['host/os-release', 'kernel/log', 'host/nft', 'cni/config.ndjson', 'host/facts'])
        files.set(path, (files.get(path) ?? '').replaceAll(/[A-Za-z]{6,}/g, '$&\u001b[2J\u202e<b pwned>'));
    },
  ],
  ['prints nothing at all', ({ files }) => files.clear()],
];

describe('beside a node that lies', { timeout: 180_000 }, () => {
  it('the neighbour has findings of its own, a ghost among them', async () => {
    const report = await audited(null);
    expect(report.findings.length).toBeGreaterThan(5);
    expect(report.findings.map(({ check, object }) => `${check} ${object.name}`)).toContain(
      `sandbox-ghost ${ghost.name}`,
    );
    expect(wordsAbout(report)).toHaveLength(report.findings.length + 2);
  });

  it.each(attacks)('that %s, the same is said of its neighbour', async (_, attack) => {
    const previous = await audited(null);
    const alone = await freshly(() => audited(null, previous));
    const began = process.cpuUsage();
    const report = await freshly(() => audited(lied(attack), previous));
    const { user, system } = process.cpuUsage(began);
    // Includes both nodes, the API server and everything else.
    expect((user + system) / 1e6).toBeLessThan(15);
    console.log(
      _,
      JSON.stringify(report.coverage.nodes.find((n) => n.node === HOSTILE)),
      report.findings
        .filter((f) => f.object.node === HOSTILE)
        .map((f) => f.check)
        .slice(0, 20)
        .join(),
    );
    expect(wordsAbout(report)).toEqual(wordsAbout(alone));
    expect(violations(report, neighbour.before.pods)).toEqual([]);
  });

  it.each([
    ['has no number of its process', 'host/facts', /^pid=.*$/m],
    ['has an odd time', 'meta', /^time=.*$/m],
  ])('that %s, costs that part and not the node', async (_, path, what) => {
    const report = await audited(
      lied(edit(path, (text) => text.replace(what, (found) => `${found.split('=')[0]}=no number`))),
    );
    expect(report.coverage.nodes.find(({ node }) => node === HOSTILE)?.result).toMatch(
      /^(?:partial|audited)$/,
    );
  });
});

it('a finding of a node that failed is not resolved, though its pod is in no list', async () => {
  const previous = await audited(null);
  const [open] = previous.findings.filter(({ check }) => check === 'sandbox-ghost');
  expect(open?.object.node).toBe(NEIGHBOUR);
  const report = await freshly(async () => {
    await serveNode(stub, neighbour);
    endWith(stub, NEIGHBOUR, () => ({ status: { phase: 'Failed', reason: 'OutOfpods' } }));
    return await audit(stub, { previous, settleSeconds: { pod: 0, orphan: 0 } });
  });
  expect(report.coverage.nodes).toMatchObject([{ node: NEIGHBOUR, result: 'failed' }]);
  expect(report.resolved).toEqual([]);
  expect(report.findings.map(({ fingerprint }) => fingerprint)).toContain(open?.fingerprint);
});

/** Each audit has its own cluster. */
async function freshly<T>(act: () => Promise<T>): Promise<T> {
  await stub.close();
  stub = await StubApiServer.start();
  return await act();
}
