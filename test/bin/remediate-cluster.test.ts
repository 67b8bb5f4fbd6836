/** `netns-audit remediate` on a cluster, using a report from its store. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { publish } from '../../lib/audit/index.ts';
import { DirectoryStore, keys } from '../../lib/history/index.ts';
import type { Finding } from '../../lib/model/finding.ts';
import { newRunId } from '../../lib/model/run-id.ts';
import type { Act } from '../../lib/repair/act.ts';
import { aNode } from '../checks/evidence.ts';
import { anOrphan, aReport, somethingLost } from '../report/sample.ts';
import { type ApiObject, StubApiServer } from '../stub/api-server.ts';
import { rawNode } from '../stub/raw.ts';
import { run, type Said } from './run.ts';

/** Somebody at a terminal. */
const person = vi.hoisted(() => ({ asked: '', answer: '' }));
vi.mock('node:readline/promises', () => ({
  createInterface: () => ({
    question: async (text: string) => {
      person.asked = text;
      return person.answer;
    },
    close: () => {},
  }),
}));

const REPAIRS = 'netns-audit-remediate';
const [A, B] = [anOrphan(1).object.name, anOrphan(2).object.name];

let stub: StubApiServer;
let directory: string;
/** Pods that were started. */
let sent: ApiObject[];

beforeEach(async () => {
  stub = await StubApiServer.start();
  sent = [];
  stub.ending = (pod) => {
    sent.push(pod);
    return { log: `would ${A} no link no address\nwould ${B} no link no address\nend 2\n` };
  };
  directory = await mkdtemp(join(tmpdir(), 'netns-audit-remediate-'));
  await writeFile(join(directory, 'kubeconfig'), stub.kubeconfig());
  await keep(anOrphan(1), anOrphan(2));
});
afterEach(async () => {
  await stub.close();
  await rm(directory, { recursive: true });
});

/** Writes a report with these findings to the store. @returns its run */
async function keep(...findings: Finding[]): Promise<string> {
  const now = new Date();
  const at = now.toISOString();
  const cluster = { name: 'stub', uid: 'uid-kube-system', version: 'v1.36.0' };
  const runId = newRunId(now, `${Math.random()}`);
  const report = aReport({ runId, cluster, startedAt: at, finishedAt: at, findings });
  await publish(new DirectoryStore(join(directory, 'store')), report);
  return runId;
}

const remediate = (...args: string[]): Promise<Said> =>
  run(
    ...['remediate', '--kubeconfig', join(directory, 'kubeconfig'), '--store', join(directory, 'store')],
    ...args,
  );

const withRepairs = (): void =>
  void stub.namespaces.set(REPAIRS, { metadata: { name: REPAIRS, uid: 'uid-repairs' } });

describe('the namespace of the pods that repair nodes', { timeout: 30_000 }, () => {
  it.each([['--rehearse'], ['--apply', '--yes', '--limit', '5']])(
    'is never made by %s: without it nodes are left alone, and how it is applied is said',
    async (...how) => {
      const { error, code } = await remediate(...how);
      expect(error).toContain(`the namespace ${REPAIRS} is missing`);
      expect(error).toContain('netns-audit manifests --remediate | kubectl apply -f -');
      expect(code).toBe(1);
      expect(stub.namespaces.has(REPAIRS)).toBe(false);
      expect(sent).toEqual([]);
    },
  );

  it('is used where it is there', async () => {
    withRepairs();
    expect(await remediate('--rehearse')).toMatchObject({ code: 0 });
    expect(sent.map(({ metadata }) => metadata.namespace)).toEqual([REPAIRS]);
  });

  it('is not that of the probes', async () => {
    const { error, code } = await remediate('--rehearse', '--repair-namespace', 'netns-audit');
    expect(error).toContain('--probe-namespace and --repair-namespace are the same');
    expect(code).toBe(2);
  });
});

describe('two that name other namespaces', { timeout: 30_000 }, () => {
  it('exclude each other all the same: the lease has one place', async () => {
    withRepairs();
    const held: string[] = [];
    stub.ending = () => {
      held.push(...stub.taken.keys());
      return { log: `would ${A} no link no address\nwould ${B} no link no address\nend 2\n` };
    };
    await remediate('--rehearse', '--probe-namespace', 'audits');
    expect(held).toEqual([expect.stringContaining('/namespaces/netns-audit/leases/netns-audit-remediate')]);
  });

  it('are told what to apply where its place is missing', async () => {
    withRepairs();
    stub.fail({
      method: 'POST',
      path: '/leases',
      status: 404,
      message: 'namespaces "netns-audit" not found',
    });
    const { error, code } = await remediate('--rehearse', '--probe-namespace', 'audits');
    expect(error).toContain('the namespace netns-audit is missing, where the lease of repairs is kept');
    expect(error).toContain('netns-audit manifests --remediate');
    expect(code).toBe(2);
  });
});

describe('what an exception covers', { timeout: 30_000 }, () => {
  it.each([
    ['by name', { objects: [A] }, B],
    ['by a label of its node', { labels: { pool: 'gpu' } }, null],
    ['by a label that its node does not have', { labels: { pool: 'cpu' } }, A],
  ])('%s is left alone, although the report was made without the exception', async (_, which, tried) => {
    stub.nodes.push(rawNode(aNode({ name: 'node-1', labels: { pool: 'gpu' } })));
    withRepairs();
    const exception = {
      check: 'namespace-orphaned',
      reason: 'known',
      owner: 'ann',
      expires: '2999-01-01',
      ...which,
    };
    const file = join(directory, 'exceptions.yaml');
    await writeFile(file, JSON.stringify({ exceptions: [exception] }));
    const { out, code } = await remediate('--exceptions', file, '-o', 'json');
    expect(code).toBe(0);
    const acts: Act[] = JSON.parse(out).acts;
    const wanted = acts.filter(({ refused }) => refused === null).flatMap(({ findings }) => findings);
    const names = wanted.map(({ object }) => object.name);
    expect(names).toEqual(tried === null ? [] : tried === B ? [B] : [A, B]);
    expect(acts.flatMap(({ refused }) => refused ?? [])).toEqual(
      tried === A ? [] : ['an exception of ann covers it'],
    );
  });
});

describe('how long an orphaned namespace must have been there', () => {
  it.each(['0s', '1.5s', '299s', '300.5s', '30h', '5'])(
    'is never %s, as a pod that is being created has one too',
    async (settle) => {
      const { error, code } = await remediate('--settle', settle);
      expect(error).toContain('--settle');
      expect(code).toBe(2);
    },
  );

  it('may be five minutes', async () => {
    expect((await remediate('--settle', '5m')).code).toBe(0);
  });
});

describe('a rehearsal', { timeout: 30_000 }, () => {
  it('that could look at nothing does not end well', async () => {
    withRepairs();
    stub.ending = () => ({ log: `left ${A} x\nleft ${B} x\nend 2\n` });
    const { error, code } = await remediate('--rehearse');
    expect(error).toContain('0 of 2 would be repaired, 0 refused, 2 left; nothing was changed.');
    expect(code).toBe(3);
  });

  it('says what the limit left out', async () => {
    withRepairs();
    stub.ending = () => ({ log: `would ${A} no link no address\nend 1\n` });
    const { error, code } = await remediate('--rehearse', '--limit', '1');
    expect(error).toContain(
      '1 of 1 would be repaired, 0 refused; nothing was changed. 1 more were not tried (--limit).',
    );
    expect(code).toBe(0);
  });
});

describe('taking back what a run put back', { timeout: 30_000 }, () => {
  const RUN = '20261129T210000Z-1a2b3c4d';
  const NAME = 'shop/web-1/learning';
  const told = 'cni-00000000-0000-4000-8000-000000000001,4026532400,veth12345678,7,learning,on';
  const record = (changes: object = {}) => ({
    schemaVersion: 1,
    kind: 'RemedyRecord',
    runId: RUN,
    cluster: 'stub',
    clusterUid: 'uid-kube-system',
    checks: ['bridge-port-flags-wrong'],
    by: 'ann',
    at: '2026-11-29T21:00:00.000Z',
    phase: 'done',
    outcome: '1 put back',
    act: 'restore',
    node: 'node-1',
    repairNamespace: REPAIRS,
    objects: [
      {
        name: NAME,
        argument: `restore-port-flag=${NAME},${told}`,
        undo: 'ip link set veth12345678 type bridge_slave learning off',
        result: 'done',
        detail: 'it is as it should be',
      },
    ],
    ...changes,
  });
  const keepRecord = async (part: string, changes: object = {}): Promise<void> => {
    const key = keys.repair({ cluster: 'stub', runId: RUN }, part);
    const body = Buffer.from(JSON.stringify(record(changes)));
    await new DirectoryStore(join(directory, 'store')).putOnce(key, body);
  };

  it('is planned by its records, and names what stays', async () => {
    await keepRecord('learning-begun', { phase: 'begun', objects: [] });
    await keepRecord('learning-ended');
    await keepRecord('veth-ended', {
      act: 'delete-veths',
      objects: [{ ...record().objects[0], name: 'veth1' }],
    });
    const { out, error, code } = await remediate('--undo', RUN);
    expect(out).toContain('Take back 1 object that a repair has changed');
    expect(out).toContain(NAME);
    expect(out).toContain('veth1 on node-1: what was deleted does not come back');
    expect(error).toContain('Nothing was done. --rehearse looks at each again, --apply takes it back.');
    expect(code).toBe(0);
    const json = JSON.parse((await remediate('--undo', RUN, '-o', 'json')).out);
    expect(json).toMatchObject({ runId: RUN, acts: [{ kind: 'take-back', node: 'node-1' }] });
  });

  it('is done on the node, and recorded with what came of it', async () => {
    withRepairs();
    await keepRecord('learning-ended');
    stub.ending = (pod) => {
      sent.push(pod);
      return { log: `done ${NAME} it is as it was found\nend 1\n` };
    };
    const { error, code } = await remediate('--undo', RUN, '--apply', '--yes', '--limit', '5');
    expect(error).toContain(`done: ${NAME} on node-1: 1 taken back`);
    expect(code).toBe(0);
    expect(JSON.stringify(sent[0])).toContain(`undo-port-flag=${NAME},${told}`);
    const store = new DirectoryStore(join(directory, 'store'));
    const kept: string[] = [];
    for await (const key of store.list('remedies/')) if (!key.includes(RUN)) kept.push(key);
    expect(kept.map((key) => key.split('/').at(-1)).toSorted()).toEqual([
      'node-1_shop-web-1-learning-begun.json',
      'node-1_shop-web-1-learning-ended.json',
    ]);
  });

  it('is printed as a command with the options that lead to the same cluster, records and pods', async () => {
    withRepairs();
    const lost = await keep(somethingLost());
    stub.ending = () => ({
      log: 'done shop/web-1/learning it is as it should be\ndone shop/web-1/isolated it is as it should be\nend 2\n',
    });
    const own = ['--image', 'mirror.example/netshoot:v0.16', '--repair-namespace', 'repairs'];
    stub.namespaces.set('repairs', { metadata: { name: 'repairs', uid: 'uid-repairs-2' } });
    const { error } = await remediate(lost, '--apply', '--yes', '--limit', '5', ...own);
    expect(error).toMatch(
      /^To take back what this run changed: netns-audit remediate --undo \S+ --kubeconfig /m,
    );
    const [line] = /netns-audit remediate --undo .+/.exec(error) ?? [''];
    for (const [name, value] of [
      ['--kubeconfig', join(directory, 'kubeconfig')],
      ['--context', 'stub'],
      ['--store', join(directory, 'store')],
      ['--image', 'mirror.example/netshoot:v0.16'],
      ['--repair-namespace', 'repairs'],
    ])
      expect(line).toContain(`${name} ${value}`);
  });

  it('is refused for a run that repaired nothing, and with what chooses among findings', async () => {
    for (const [words, ...args] of [
      ['has no repair of stub by a run 20261128T210000Z-1a2b3c4d', '--undo', '20261128T210000Z-1a2b3c4d'],
      ['has no repair of stub by a run ../x', '--undo', '../x'],
      ['--undo does not go with --only', '--undo', RUN, '--only', 'namespace-orphaned'],
      ['--undo does not go with --fresh', '--undo', RUN, '--fresh'],
      ['--undo does not go with --drain', '--undo', RUN, '--drain'],
      ['--undo does not go with -o script', '--undo', RUN, '-o', 'script'],
      ['--undo does not go with a run', RUN, '--undo', RUN],
    ] as const) {
      const { error, code } = await remediate(...args);
      expect(error).toContain(words);
      expect(code).toBe(2);
    }
  });

  it('of another cluster that had the name is refused', async () => {
    await keepRecord('learning-ended', { clusterUid: 'another' });
    expect((await remediate('--undo', RUN)).error).toContain('has no repair of stub by a run');
  });
});

it('refuses a drain where no reboot is the repair, and does nothing in its place', async () => {
  const { error, code } = await remediate('--only', 'namespace-orphaned', '--node', 'node-1', '--drain');
  expect(error).toContain('--drain: none of these findings is repaired by a reboot');
  expect(code).toBe(2);
});

describe('a record of a pod that is gone', { timeout: 30_000 }, () => {
  const runId = newRunId(new Date(), 'earlier');
  const record = {
    schemaVersion: 1,
    kind: 'RemedyRecord',
    runId,
    cluster: 'stub',
    clusterUid: 'uid-kube-system',
    checks: ['pod-interface-missing'],
    by: 'ann',
    at: new Date().toISOString(),
    phase: 'begun',
    outcome: null,
    act: 'recreate-pod',
    pod: { namespace: 'shop', name: 'web-1', uid: 'uid-web-1', node: 'node-1', controllerUid: '' },
    manifest: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'web-1' },
      spec: {
        nodeName: 'node-1',
        hostPID: true,
        containers: [{ name: 'main', image: 'image:1', securityContext: { privileged: true } }],
      },
    },
  };
  const create = (): string[] =>
    stub.requests.filter((request) => request === 'POST /api/v1/namespaces/shop/pods');
  beforeEach(async () => {
    const store = new DirectoryStore(join(directory, 'store'));
    const key = keys.repair({ cluster: 'stub', runId }, 'uid-web-1-begun');
    await store.putOnce(key, Buffer.from(JSON.stringify(record)));
    withRepairs();
  });

  it('creates nothing unless somebody names the pod, and holds up no other repair', async () => {
    const { error } = await remediate('--apply', '--yes', '--limit', '5');
    expect(error).toContain('it was evicted and not created again, or it may have been deleted by somebody');
    expect(error).toContain('name it with --pod shop/web-1 --apply');
    expect(sent.map(({ metadata }) => metadata.namespace)).toContain(REPAIRS);
    expect(create()).toEqual([]);
  });

  it.each([[[]], [['--rehearse']]])(
    'shows the rights of the pod to somebody who names it, with %j',
    async (how) => {
      const { out, error } = await remediate('--pod', 'shop/web-1', ...how);
      expect(out).toContain(
        'create shop/web-1 on node-1: privileged; hostPID; service account default; images image:1',
      );
      expect(error).toMatch(/nothing was changed|Nothing was done/);
      expect(create()).toEqual([]);
    },
  );

  it('is not enough for --yes: a person has to read what is created', async () => {
    const { error, code } = await remediate('--pod', 'shop/web-1', '--apply', '--yes', '--limit', '1');
    expect(error).toContain('--yes creates no pod from a record in the store');
    expect(code).toBe(2);
    expect(create()).toEqual([]);
  });

  it.each([
    ['--node', 'node-2'],
    ['--only', 'pod-loopback-down'],
  ])('is not meant by %s %s', async (...only) => {
    const { out } = await remediate('--pod', 'shop/web-1', ...only);
    expect(out).toContain('There is nothing to repair.');
  });
});
