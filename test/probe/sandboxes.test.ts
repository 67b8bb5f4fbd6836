import { describe, expect, test } from 'vitest';
import { parseSandboxes } from '../../lib/probe/parse/sandboxes.ts';

const TASKS = '/proc/1/root/run/containerd/io.containerd.runtime.v2.task/k8s.io';
const RECORDS = '/proc/1/root/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes';

function process(pid: number, containerId: string | null, command: string) {
  return {
    pid,
    networkNamespace: 4026532000 + pid,
    pidNamespace: 1,
    mountNamespace: 1,
    state: 'S',
    startTicks: 1,
    containerId,
    kernelThread: false,
    podUid: null,
    ofPod: true,
    command,
  };
}

/** Sandboxes as containerd lists them, each with its pid; those with a record; and the running pids. */
function sandboxes(
  tasks: Record<string, number>,
  {
    records,
    running,
    later = [],
  }: {
    readonly records: readonly string[];
    readonly running: readonly number[];
    /** Those that did not exist at first. */
    readonly later?: readonly string[];
  },
) {
  const listing = Object.entries(tasks)
    .map(([id, pid]) => `containerd\t${id}\t${pid}\t${TASKS}/${id}/config.json`)
    .join('\n');
  const specs = Object.keys(tasks).map((id) =>
    JSON.stringify({
      file: `${TASKS}/${id}/config.json`,
      annotations: {
        'io.kubernetes.cri.container-type': 'sandbox',
        'io.kubernetes.cri.sandbox-id': id,
        'io.kubernetes.cri.sandbox-namespace': 'shop',
        'io.kubernetes.cri.sandbox-name': id,
        'io.kubernetes.cri.sandbox-uid': `uid-of-${id}`,
      },
      namespaces: [{ type: 'network', path: `/var/run/netns/${id}` }],
    }),
  );
  const all = parseSandboxes(
    {
      before: listing
        .split('\n')
        .filter((line) => !later.some((id) => line.includes(id)))
        .join('\n'),
      after: listing,
      specs: specs.join('\n'),
      times: '',
      kept: records.map((id) => `1764000000 ${RECORDS}/${id}`).join('\n'),
      shims: '',
      places: '',
    },
    running.map((pid) => process(pid, Object.keys(tasks).find((id) => tasks[id] === pid) ?? null, 'pause')),
    [],
    new Map(),
    [],
  );
  return all.map(({ id }) => id);
}

describe('a bundle that containerd has no record of', () => {
  const tasks = { healthy: 100, forgotten: 200 };

  test('is what a shim left behind, and no sandbox, when its process has ended', () => {
    expect(sandboxes(tasks, { records: ['healthy'], running: [100] })).toEqual(['healthy']);
  });

  test('is a sandbox that was made since the records were read, when it is in the second list only', () => {
    expect(sandboxes(tasks, { records: ['healthy'], running: [100], later: ['forgotten'] })).toEqual([
      'healthy',
      'forgotten',
    ]);
  });

  test('is a sandbox as long as its process runs', () => {
    expect(sandboxes(tasks, { records: ['healthy'], running: [100, 200] })).toEqual(['healthy', 'forgotten']);
  });

  test('is a sandbox where no records were found at all: they are kept elsewhere', () => {
    expect(sandboxes(tasks, { records: [], running: [100] })).toEqual(['healthy', 'forgotten']);
  });
});

test('a sandbox on record whose process has ended is one', () => {
  expect(sandboxes({ dead: 100 }, { records: ['dead'], running: [] })).toEqual(['dead']);
});

describe('a container', () => {
  const conf = { exists: true, nameservers: ['10.96.0.10'], searches: [], options: [] };

  function container({
    command = 'nginx',
    resolvConf,
  }: {
    readonly command?: string;
    readonly resolvConf?: typeof conf | 'ended';
  }) {
    const file = (id: string) => `${TASKS}/${id}/config.json`;
    const spec = (id: string, type: string) =>
      JSON.stringify({
        file: file(id),
        annotations: {
          'io.kubernetes.cri.container-type': type,
          'io.kubernetes.cri.sandbox-id': 'pause',
          'io.kubernetes.cri.container-name': 'main',
        },
        namespaces: [{ type: 'network', path: '/var/run/netns/pause' }],
      });
    const listing = `containerd\tpause\t100\t${file('pause')}\ncontainerd\tmain\t200\t${file('main')}`;
    const [sandbox] = parseSandboxes(
      {
        before: listing,
        after: listing,
        specs: `${spec('pause', 'sandbox')}\n${spec('main', 'container')}`,
        times: '',
        kept: '',
        shims: '',
        places: '',
      },
      [process(100, 'pause', 'pause'), process(200, 'main', command)],
      [],
      new Map(resolvConf === undefined ? [] : [[200, resolvConf]]),
      [],
    );
    return sandbox?.containers[0];
  }

  test('runs, with the file that was read', () => {
    expect(container({ resolvConf: conf })).toMatchObject({ pid: 200, resolvConf: conf });
  });

  test('runs, with a file that is not known, where none could be read', () => {
    expect(container({})).toMatchObject({ pid: 200, resolvConf: null });
  });

  test('whose process ended while the node was read does not run', () => {
    expect(container({ resolvConf: 'ended' })).toMatchObject({ pid: null, resolvConf: null });
  });

  test('that runc is still creating does not run: its files are still those of the node', () => {
    expect(container({ command: 'runc:[2:INIT]', resolvConf: conf })).toMatchObject({
      pid: null,
      resolvConf: null,
    });
  });
});
