import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ipamUnrecorded } from '../../lib/checks/cni/ipam-unrecorded.ts';
import { type Evidence, type Part, type Sandbox, sourceSchemas } from '../../lib/model/evidence.ts';
import { readArchive, type StoredEvidence, writeArchive } from '../../lib/probe/archive.ts';
import { buildEvidence } from '../../lib/probe/evidence.ts';
import { context } from '../checks/evidence.ts';

const bytes = (name: string) => readFileSync(new URL(`../../demo/${name}.tar.gz`, import.meta.url));

function present<T>(part: Part<T>): T {
  if (part.status !== 'present') throw new Error(part.reason);
  return part.value;
}

/** The recording, with files replaced or (null) removed. */
async function evidenceOf(name: string, changes: Record<string, string | null> = {}): Promise<Evidence> {
  const { files, before, after, audit } = (await readArchive(bytes(name))) as Required<StoredEvidence>;
  if (files === null || after === null) throw new Error('the recording lacks the probe');
  const changed = new Map(files);
  for (const [path, content] of Object.entries(changes)) {
    if (content === null) changed.delete(path);
    else changed.set(path, Buffer.from(content));
  }
  return buildEvidence({ files: changed, before, after, settleSeconds: audit.settleSeconds });
}

async function textOf(name: string, path: string): Promise<string> {
  const { files } = await readArchive(bytes(name));
  return Buffer.from(files?.get(path) ?? []).toString();
}

test('active probes that were requested and did not run are unknown, and not applicable where nobody asked', async () => {
  const { files, before, after, audit } = (await readArchive(bytes('healthy'))) as Required<StoredEvidence>;
  if (files === null || after === null) throw new Error('the recording lacks the probe');
  const activeOf = (active: readonly ('ping' | 'cni')[]) =>
    buildEvidence({ files, before, after, settleSeconds: audit.settleSeconds, active }).active;
  expect(activeOf(['ping'])).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('requested'),
  });
  // The canary is a pod, and no job of the probe.
  for (const active of [[], ['cni']] as const) expect(activeOf(active)).toMatchObject({ status: 'absent' });
});

describe('the recording of a healthy node', () => {
  test('has every source, as the model describes it', async () => {
    const evidence = await evidenceOf('healthy');
    expect(evidence.incomplete).toEqual([]);
    for (const [name, schema] of Object.entries(sourceSchemas)) {
      const part = evidence[name as keyof typeof sourceSchemas];
      if (part.status === 'present') schema.parse(part.value);
      // It was recorded before the kernel was asked for ways, and the API for other nodes.
      else
        expect([
          'active',
          'crossing',
          'canary',
          'routing',
          'otherNodes',
          'linkPrograms',
          'attachedPrograms',
          'linkCounters',
          'forwarding',
          'ipsecPolicies',
          'cniEndpoints',
        ]).toContain(name);
    }
  });

  test('has both ends of every pod matched, and its own pod judged nowhere', async () => {
    const evidence = await evidenceOf('healthy');
    const networks = present(evidence.podNetworks);
    expect(networks.length).toBeGreaterThanOrEqual(8);
    for (const { link, hostLink, plugin } of networks) {
      expect([link?.peer?.status, hostLink?.peer?.status, hostLink?.master, plugin]).toEqual([
        'matched',
        'matched',
        'cni0',
        'bridge',
      ]);
    }
    expect(present(evidence.hiddenNamespaces)).toEqual([]);
    expect(networks.map(({ sandbox }) => sandbox.runtimeHandler)).toContain('runc-v2'.replace('-v2', ''));
  });

  test('is written again to the same bytes', async () => {
    const stored = await readArchive(bytes('healthy'));
    const once = await writeArchive(stored);
    expect(Buffer.from(await writeArchive(await readArchive(once))).equals(Buffer.from(once))).toBe(true);
  });
});

describe('a namespace that ended while the node was read', () => {
  test('leaves the link to it unsettled: its pod was on its way, and nothing is unknown', async () => {
    const healthy = await evidenceOf('healthy');
    const { namespace, hostLink } = present(healthy.podNetworks)[0] ?? {};
    const { files } = await readArchive(bytes('healthy'));
    const own = [...(files?.keys() ?? [])].filter((path) => path.startsWith(`netns/${namespace}/`));
    expect(own).not.toEqual([]);
    const evidence = await evidenceOf('healthy', {
      ...Object.fromEntries(own.map((path) => [path, null])),
      'netns/gone': `${namespace}\n`,
    });
    const link = present(evidence.hostNetwork).links.find(({ name }) => name === hostLink?.name);
    expect(link?.peer).toEqual({ status: 'unsettled' });
  });
});

describe('a recording of which a part is lost', () => {
  test.each(['host/descriptors', 'host/threads'])(
    'does not say who uses no namespace without %s',
    async (path) => {
      const job = path.slice('host/'.length);
      const steps = await textOf('healthy', 'steps');
      const hung = steps.replace(new RegExp(`^${job} 0 .*$`, 'm'), `${job} hung 1500 `);
      const reasons = [
        [
          await evidenceOf('healthy', { [path]: null, dropped: `${path} bundle-too-large\n` }),
          'was left out',
        ],
        [await evidenceOf('healthy', { steps: hung }), `${job} did not end in time`],
      ] as const;
      for (const [evidence, reason] of reasons) {
        for (const part of [evidence.namespaces, evidence.hiddenNamespaces])
          expect(part).toMatchObject({ status: 'failed', reason: expect.stringContaining(reason) });
        expect(evidence.podNetworks.status).toBe('present');
      }
    },
  );

  test('does not judge by a list of containers that was cut short', async () => {
    const steps = `containers hung 1500 \n${await textOf('healthy', 'steps')}`;
    const evidence = await evidenceOf('healthy', { steps });
    for (const part of [evidence.sandboxes, evidence.podNetworks])
      expect(part).toMatchObject({ status: 'failed', reason: 'containers did not end in time' });
  });

  test('takes no file that was too large for one that is empty', async () => {
    const evidence = await evidenceOf('healthy', {
      'cni/host-local-files': null,
      dropped: 'cni/host-local-files too-large\n',
    });
    expect(evidence.ipam).toMatchObject({ status: 'failed', reason: expect.stringContaining('too-large') });
  });
});

describe("a node whose directories of host-local's networks were removed", () => {
  const removed = {
    'cni/networks': '',
    'cni/host-local': '',
    'cni/host-local-files': '',
    'cni/host-local.after': '',
  };
  const unrecorded = async (changes: Record<string, string | null>) => {
    const evidence = await evidenceOf('healthy', changes);
    const [ipam, podNetworks] = [present(evidence.ipam), present(evidence.podNetworks)];
    const outcomes = ipamUnrecorded.run({ ipam, podNetworks }, context);
    return {
      ipam,
      pods: podNetworks.length,
      found: outcomes.filter(({ result }) => result === 'fail').length,
    };
  };

  test('has all its pods on addresses that are free for the taking', async () => {
    expect((await unrecorded({})).found).toBe(0);
    const { ipam, pods, found } = await unrecorded(removed);
    expect(found).toBe(pods);
    expect(ipam).toMatchObject([
      { path: expect.stringMatching(/^\/var\/lib\/cni\/networks\/./), allocations: [] },
    ]);
  });

  test('may have the plugin of flannel, which need not name host-local', async () => {
    const config = await textOf('healthy', 'cni/config.ndjson');
    const flannel = config
      .replace('"type":"bridge"', '"type":"flannel"')
      .replace(/"ipam":\{.*?"dataDir":null\}/, '"ipam":null');
    expect(flannel).not.toContain('host-local');
    const { pods, found } = await unrecorded({ ...removed, 'cni/config.ndjson': flannel });
    expect(found).toBe(pods);
  });

  test.each<[string, (config: string) => Record<string, string | null>]>([
    ['the directories were not listed', () => ({ 'cni/networks': null })],
    [
      'host-local has a directory of its own',
      (config) => ({
        'cni/config.ndjson': config.replace(/"dataDir":null/, '"dataDir":"/run/cni-ipam-state"'),
      }),
    ],
    [
      'another plugin keeps the addresses',
      (config) => ({ 'cni/config.ndjson': config.replace('"host-local"', '"whereabouts"') }),
    ],
    ['no CNI result is of the network', () => ({ 'cni/results.ndjson': '' })],
  ])('is not told from one that never had them where %s', async (_, changes) => {
    const config = await textOf('healthy', 'cni/config.ndjson');
    const changed = changes(config);
    expect(changed['cni/config.ndjson']).not.toBe(config);
    expect(await unrecorded({ ...removed, ...changed })).toMatchObject({ ipam: [], found: 0 });
  });
});

describe('a runtime spec that was half written', () => {
  /** The recording with unreadable specs of one pod's sandbox or container. */
  async function without(choose: (spec: { file: string; annotations: Record<string, string> }) => boolean) {
    const whole = await evidenceOf('healthy');
    const specs = (await textOf('healthy', 'sandboxes.ndjson')).trimEnd().split('\n');
    const broken = specs.find((line) => choose(JSON.parse(line))) ?? '';
    const { file } = JSON.parse(broken) as { file: string };
    const evidence = await evidenceOf('healthy', {
      'sandboxes.ndjson': specs
        .map((line) => (line === broken ? JSON.stringify({ file, error: 'not readable as JSON' }) : line))
        .join('\n'),
    });
    return { whole, evidence, file: file.replace('/proc/1/root', '') };
  }
  const bare = ({ unreadSpecs: _, ...sandbox }: Sandbox) => ({ ...sandbox, runtimeHandler: null });
  const ofPod = (annotations: Record<string, string>, network: string) =>
    annotations['io.kubernetes.cri.sandbox-namespace'] === network &&
    annotations['io.kubernetes.cri.container-type'] === 'sandbox';

  test.each(['shop', 'netns-audit-e2e'])(
    'costs nothing but itself, be it of a sandbox in %s: its containers and the CNI tell the same',
    async (namespace) => {
      const { whole, evidence, file } = await without(({ annotations }) => ofPod(annotations, namespace));
      expect(evidence.incomplete).toEqual([]);
      expect(present(evidence.sandboxes).map(bare)).toEqual(
        expect.arrayContaining(present(whole.sandboxes).map(bare)),
      );
      expect(present(evidence.podNetworks)).toHaveLength(present(whole.podNetworks).length);
      expect(present(evidence.sandboxes).flatMap(({ unreadSpecs }) => unreadSpecs)).toEqual([file]);
    },
  );

  test('costs nothing but the name of a container: its cgroup tells whose it is', async () => {
    const { whole, evidence, file } = await without(
      ({ annotations }) => annotations['io.kubernetes.cri.container-type'] === 'container',
    );
    const containers = (each: Evidence) =>
      present(each.sandboxes).flatMap(({ id, containers: own }) =>
        own.map(({ id: one, pid }) => [id, one, pid]),
      );
    expect(containers(evidence).toSorted()).toEqual(containers(whole).toSorted());
    expect(present(evidence.sandboxes).flatMap(({ unreadSpecs }) => unreadSpecs)).toEqual([file]);
  });

  test.each(['shop', 'netns-audit-e2e'])(
    'costs no more where all specs of a pod in %s are: the CNI, or the cgroup and the API, tell whose they are',
    async (namespace) => {
      const whole = await evidenceOf('healthy');
      const pod = present(whole.sandboxes).find((each) => each.namespace === namespace && each.containers[0]);
      const ids = [pod?.id, ...(pod?.containers ?? []).map(({ id }) => id)];
      expect(ids.length).toBeGreaterThan(1);
      const specs = (await textOf('healthy', 'sandboxes.ndjson')).trimEnd().split('\n');
      // The recorded kubelet leaves the containers' cgroups to the runtime; others create one for each pod.
      const processes = (await textOf('healthy', 'host/processes')).replaceAll(
        /[^\t\n]*\/([0-9a-f]{64})(?=\t)/g,
        (cgroup, id: string) => (ids.includes(id) ? `/kubepods/pod${pod?.uid}/${id}` : cgroup),
      );
      const evidence = await evidenceOf('healthy', {
        'host/processes': processes,
        'sandboxes.ndjson': specs
          .map((line) => {
            const { file } = JSON.parse(line) as { file: string };
            const lost = ids.some((id) => file.includes(`/${id}/`));
            return lost ? JSON.stringify({ file, error: 'not readable as JSON' }) : line;
          })
          .join('\n'),
      });
      expect(evidence.incomplete).toEqual([]);
      const nameless = ({ containers, ...sandbox }: Sandbox) => ({
        ...bare({ ...sandbox, containers: [] }),
        containers: containers.map(({ id, pid }) => [id, pid]).toSorted(),
      });
      expect(present(evidence.sandboxes).map(nameless)).toEqual(
        expect.arrayContaining(present(whole.sandboxes).map(nameless)),
      );
      expect(present(evidence.sandboxes)).toHaveLength(present(whole.sandboxes).length);
      expect(present(evidence.sandboxes).flatMap(({ unreadSpecs }) => unreadSpecs)).toHaveLength(ids.length);
    },
  );

  test('leaves the runtime unknown where nothing tells whose it is, and it runs', async () => {
    const { evidence } = await without(() => true);
    const specs = `${JSON.stringify({ file: '/proc/1/root', error: 'x' })}`;
    const lost = await evidenceOf('healthy', { 'sandboxes.ndjson': specs });
    expect(evidence.sandboxes.status).toBe('present');
    expect(lost.sandboxes).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('nothing tells whose it is'),
    });
  });
});

describe('the recording of a broken node', () => {
  test('has the five faults that were planted', async () => {
    const evidence = await evidenceOf('broken');
    const networks = present(evidence.podNetworks);
    expect(networks.filter(({ link }) => link === null)).toHaveLength(1);
    const detached = networks.filter(({ hostLink }) => hostLink !== null && hostLink.master === null);
    expect(detached).toHaveLength(1);
    const orphans = present(evidence.namespaces).filter(
      ({ pins, holders }) => pins.length > 0 && holders.length === 0,
    );
    expect(orphans.some(({ pins }) => pins[0]?.includes('0d9aa5c1'))).toBe(true);
  });
});

describe('a link of the node that leads to no known namespace', () => {
  /** The recording as if one pod's pin had not existed yet when pins were read. */
  async function withoutAName(
    links: (link: string) => { before: string; after: string },
    more: (id: string) => Record<string, string> = () => ({}),
  ) {
    const { files } = (await readArchive(bytes('healthy'))) as Required<StoredEvidence>;
    const ip = Buffer.from(files?.get('host/ip.json') ?? []).toString();
    const [id, name] = /"nsid":(\d+),"name":"(cni-[^"]*)"/.exec(ip)?.slice(1) ?? [];
    const link = (
      JSON.parse(ip.split('\n')[0] ?? '[]') as { ifindex: number; ifname: string; link_netnsid?: number }[]
    ).find((one) => one.link_netnsid === Number(id));
    const { before, after } = links(`${link?.ifindex}: ${link?.ifname}@if2`);
    const evidence = await evidenceOf('healthy', {
      'host/ip.json': ip.replace(`"nsid":${id},"name":"${name}"`, `"nsid":${id}`),
      'host/links.before': before,
      'host/links.after': after,
      ...more(String(id)),
    });
    return { hidden: present(evidence.hiddenNamespaces), name: link?.ifname };
  }

  test('shows a hidden namespace when it stood from the first to the last', async () => {
    const { hidden, name } = await withoutAName((link) => ({
      before: `1: lo\n${link}\n`,
      after: `${link}\n`,
    }));
    expect(hidden.map(({ links }) => links)).toEqual([[name]]);
  });

  /** The result for its sockets: PID 1 is in every recording. */
  const asked = async (lines: (id: string) => string) =>
    (
      await withoutAName(
        (link) => ({ before: link, after: link }),
        (id) => ({ 'host/suspects': '1\t3\tsystemd\n', 'host/holders': lines(id) }),
      )
    ).hidden;

  test('is held by the process whose sockets are of it, and by none whose are of others', async () => {
    const hidden = await asked((id) => `1\t40${id}\t${id}\t2\n1\t9\t9999\t1\n1\t8\t-1\t1\nasked\t4\t0\t\n`);
    expect(hidden).toMatchObject([{ holders: [{ pid: 1, sockets: 2, podUid: null }], socketsUnread: null }]);
  });

  test('has a holder that is unknown where sockets could not be asked, and why', async () => {
    expect(await asked(() => 'asked\t1\t2\tpidfd_getfd: Operation not permitted\n')).toMatchObject([
      {
        holders: [],
        socketsUnread: '2 sockets could not be asked: pidfd_getfd: Operation not permitted',
      },
    ]);
    expect(await asked(() => '')).toMatchObject([
      { socketsUnread: 'sockets of the node could not be asked' },
    ]);
  });

  test('is of a pod that came or went while the node was looked at, otherwise', async () => {
    const came = await withoutAName((link) => ({ before: '1: lo\n', after: `1: lo\n${link}\n` }));
    const went = await withoutAName((link) => ({ before: `1: lo\n${link}\n`, after: '1: lo\n' }));
    expect([came.hidden, went.hidden]).toEqual([[], []]);
  });
});

describe('a part that is malformed or missing', () => {
  test('fails alone', async () => {
    const evidence = await evidenceOf('healthy', { 'cni/results.ndjson': '{"file": 7}', 'kernel/log': null });
    expect(evidence.cniResults.status).toBe('failed');
    expect(evidence.kernelLog).toEqual({ status: 'failed', reason: expect.stringContaining('kernel/log') });
    expect(evidence.sandboxes.status).toBe('present');
    expect(evidence.podNetworks.status).toBe('present');
  });

  test.each([
    ['nothing was listed', { 'sandboxes.before': '' }],
    [
      'our own container is not among those listed',
      { 'host/facts': 'pid=1\n/proc/1/ns/net=1\n/proc/1/ns/pid=2\n' },
    ],
    ['the second listing is missing', { 'sandboxes.after': null }],
    ['specs that were listed could not be read', { 'sandboxes.ndjson': '' }],
    ['the processes are unknown', { 'host/processes': null }],
  ])('of the runtime is never "no sandboxes, so all are orphans": %s', async (_, changes) => {
    const evidence = await evidenceOf('healthy', changes);
    expect(evidence.sandboxes.status).toBe('failed');
    expect(evidence.podNetworks.status).toBe('failed');
  });

  test('of one namespace leaves the others readable', async () => {
    const { files } = (await readArchive(bytes('healthy'))) as StoredEvidence;
    const path =
      [...(files?.keys() ?? [])].find((name) => name.endsWith('/ip.json') && name.startsWith('netns/')) ?? '';
    const namespaces = present((await evidenceOf('healthy', { [path]: '[]\n' })).namespaces);
    expect(namespaces.filter(({ stack }) => stack.status === 'failed')).toHaveLength(1);
  });
});
