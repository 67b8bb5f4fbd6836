import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { namespaceCountNearLimit } from '../../lib/checks/namespaces/namespace-count-near-limit.ts';
import { namespaceCreationFailing } from '../../lib/checks/namespaces/namespace-creation-failing.ts';
import { namespaceOrphaned } from '../../lib/checks/namespaces/namespace-orphaned.ts';
import { podLinks } from '../../lib/computed/pods/pod-links.ts';
import type { Evidence, Part } from '../../lib/model/evidence.ts';
import { sourceSchemas } from '../../lib/model/evidence.ts';
import { unpackLog } from '../../lib/probe/unpack.ts';
import { context, failures } from '../checks/evidence.ts';
import { insteadOf, labEvidence, probeLab, whyNoLab } from './lab.ts';

const noLab = whyNoLab();
if (noLab !== null) console.warn(`Skipped, as ${noLab}.`);

function present<T>(part: Part<T>): T {
  if (part.status !== 'present') throw new Error(part.reason);
  return part.value;
}

describe.skipIf(noLab !== null)('the probe on a node with planted faults', () => {
  let log: string;
  let evidence: Evidence;
  beforeAll(async () => {
    log = probeLab();
    evidence = await labEvidence(log);
  }, 60_000);
  const network = (name: string) => present(evidence.podNetworks).find(({ pod }) => pod.name === name);
  const pin = (name: string) => present(evidence.pins).find(({ path }) => path === `/run/netns/${name}`);

  test('ends every step, and all that it read is as the model has it', () => {
    expect(evidence.incomplete).toEqual([]);
    for (const [name, schema] of Object.entries(sourceSchemas)) {
      const part = evidence[name as keyof typeof sourceSchemas];
      if (part.status === 'present') schema.parse(part.value);
      else expect([name, part.status]).toEqual([name, 'absent']);
    }
  });

  test('lets no environment, argument or foreign annotation leave the node', async () => {
    const files = await unpackLog(log);
    const leaked = [...files].filter(([, content]) => Buffer.from(content).includes('secret-of-a-pod'));
    expect(leaked.map(([path]) => path)).toEqual([]);
  });

  test('joins both ends of a pair, even where they have the same number', () => {
    const pod = network('healthy');
    expect(pod?.link?.index).toBe(pod?.hostLink?.index);
    expect(pod?.link?.peer).toMatchObject({ status: 'matched', name: 'vethhealthy' });
    expect(pod?.hostLink?.peer).toMatchObject({ status: 'matched', name: 'eth0', namespace: pod?.namespace });
    expect(pod?.plugin).toBe('bridge');
    expect(pod?.stack?.addresses).toContainEqual(
      expect.objectContaining({ link: 'eth0', address: '10.1.1.2', prefixLength: 24 }),
    );
    expect(pod?.stack?.routes).toContainEqual(
      expect.objectContaining({ destination: '0.0.0.0/0', gateway: '10.1.1.1' }),
    );
  });

  test('reads on after a result of the CNI that is no JSON', () => {
    expect(['healthy', 'bare', 'filtered'].map((name) => network(name)?.plugin)).toEqual(
      Array.from({ length: 3 }, () => 'bridge'),
    );
  });

  test('sees that a pod has lost its interface', () => {
    expect(network('bare')?.stack?.links.map(({ name }) => name)).not.toContain('eth0');
    expect(network('bare')?.link).toBeNull();
  });

  test("asks the node's kernel which programs are attached to each of its links", () => {
    expect(present(evidence.attachedPrograms)).toContainEqual({ link: 'vethhealthy', in: [], out: [] });
  });

  test("asks the node's kernel for the ways to a pod and from it", () => {
    const ways = present(evidence.routing);
    expect(ways).toContainEqual(expect.objectContaining({ destination: '10.1.1.2', source: null }));
    expect(ways).toContainEqual(
      expect.objectContaining({ destination: '8.8.8.8', source: '10.1.1.2', inputLink: 'vethhealthy' }),
    );
    expect(ways.map(({ destination }) => destination)).not.toContain('10.1.1.3');
  });

  test('counts what the link of a pod lost, and how often its carrier changed', () => {
    const links = new Map(podLinks(evidence)?.map((link) => [link.pod.name, link]));
    expect([...links.keys()].sort()).toEqual(['filtered', 'healthy']);
    expect(links.get('healthy')).toMatchObject({
      link: 'eth0',
      podEnd: { inDropped: 250, inErrors: 0 },
      hostLink: 'vethhealthy',
      hostEnd: { inDropped: 0, outDropped: 0 },
    });
    expect(links.get('healthy')?.podEnd.inPackets).toBeGreaterThanOrEqual(250);
    expect(links.get('filtered')?.hostEnd?.carrierChanges).toBeGreaterThanOrEqual(6);
  });

  test('reads the policies of IPsec on the node, where its kernel has that', () => {
    const policies = present(evidence.ipsecPolicies);
    expect(
      policies.every(({ action, destination }) => `${action} ${destination}` === 'block 10.1.1.250/32'),
    ).toBe(true);
    expect(policies).toHaveLength(
      readFileSync('/proc/net/netlink', 'utf8').match(/^\S+\s+6\s+0\s/m) === null ? 0 : 1,
    );
  });

  test('reads the policies of IPsec of a pod that has some, and of no other', () => {
    const policies = ['healthy', 'filtered'].map((name) =>
      network(name)?.stack?.ipsecPolicies?.map(({ action, destination }) => `${action} ${destination}`),
    );
    const isThere = readFileSync('/proc/net/netlink', 'utf8').match(/^\S+\s+6\s+0\s/m) !== null;
    expect(policies).toEqual([undefined, isThere ? ['block 10.1.1.251/32'] : undefined]);
  });

  test('sees the packet filter of a pod', () => {
    const rules = network('filtered')?.stack?.packetFilters.flatMap(({ tables }) =>
      tables.flatMap(({ chains }) => chains),
    );
    expect(rules).toContainEqual(
      expect.objectContaining({ name: 'INPUT', hook: 'input', rules: [expect.stringContaining('drop')] }),
    );
  });

  test("sees what the node's rules of iptables do, of both families", () => {
    const rules = present(evidence.hostPacketFilters).map(({ backend, tables }) => [
      backend,
      tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)),
    ]);
    expect(rules).toEqual([
      ['iptables-nft', [expect.stringMatching(/dnat to 10\.1\.1\.4$/)]],
      ['ip6tables-nft', [expect.stringMatching(/masquerade$/)]],
    ]);
  });

  test('reads the TTL of a pod that has its own, and of no other', () => {
    expect(['healthy', 'bare', 'filtered'].map((name) => network(name)?.stack?.ttl)).toEqual([
      undefined,
      undefined,
      1,
    ]);
  });

  test('tells a process that was stopped from those that wait', () => {
    const processes = present(evidence.processes);
    expect(processes.filter(({ stopped }) => stopped).map(({ command }) => command)).toEqual(['flanneld']);
    expect(processes.find(({ pid }) => pid === 1)?.stopped).toBe(false);
  });

  test('reads where an agent listens whose file is gone', () => {
    expect(present(evidence.cniConfig).lostSockets).toEqual(['/var/run/cilium/cilium.sock']);
  });

  test('reads which endpoints have pinned programs, and which maps are pinned', () => {
    expect(present(evidence.cniConfig).programPins).toEqual({
      endpoints: ['1757', '98'],
      maps: ['cilium_calls_00098', 'cilium_lxc'],
    });
  });

  test("reads the file that tells flannel's plugin about the node", () => {
    expect(present(evidence.cniConfig).subnetFile).toEqual({
      exists: true,
      variables: { FLANNEL_NETWORK: '10.1.0.0/16', FLANNEL_SUBNET: '10.1.1.1/24' },
    });
  });

  test("reads how strictly the node's uplinks filter what comes in, and not its pods' links", () => {
    const { sysctls } = present(evidence.kernel);
    expect(sysctls).toMatchObject({
      'net.ipv4.conf.all.rp_filter': expect.stringMatching(/^[012]$/),
      'net.ipv4.conf.eth9.rp_filter': expect.stringMatching(/^[012]$/),
      'net.ipv4.conf.vethhealthy.forwarding': expect.stringMatching(/^[01]$/),
    });
    expect(sysctls).not.toHaveProperty('net.ipv4.conf.vethhealthy.rp_filter');
  });

  test('tells a plain file and a shadowed pin from a namespace', () => {
    expect(pin('cni-plain')).toMatchObject({ fileSystem: 'tmpfs', mounted: [] });
    expect(pin('cni-shadowed')?.fileSystem).toBe('tmpfs');
    expect(pin('cni-shadowed')?.mounted).toHaveLength(1);
    expect(pin('cni-shadowed')?.mounted).not.toContain(pin('cni-shadowed')?.inode);
    expect(pin('cni-healthy')).toMatchObject({ fileSystem: 'nsfs', mounted: [pin('cni-healthy')?.inode] });
  });

  test('reads the pins though the name of one has a quote', () => {
    expect(pin("cni-it's")).toMatchObject({ fileSystem: 'tmpfs', mounted: [] });
  });

  test("asks the node's own containerd, and no kubelet that runs inside of a pod", async () => {
    const directories = (await unpackLog(log)).get('cni/binary-directories');
    expect(Buffer.from(directories ?? []).toString()).toBe('/run/lab/current/plugins\n');
    expect(evidence.nodeResolvConf).toMatchObject({ status: 'absent' });
  });

  test('finds plugins behind an absolute link in the middle of a path', async () => {
    const binaries = (await unpackLog(log)).get('cni/binaries');
    expect(Buffer.from(binaries ?? []).toString()).toContain(' /run/lab/current/plugins/bridge\n');
  });

  test('finds plugins that are absolute links themselves, as in k3s', () => {
    expect([...present(evidence.cniConfig).binaries].sort()).toEqual(['bridge', 'portmap']);
  });

  test('finds a namespace that only a pin keeps, and one that only a descriptor keeps', () => {
    const all = present(evidence.namespaces);
    const orphan = all.find(({ pins }) => pins.includes('/run/netns/cni-orphan'));
    expect(orphan?.holders.filter(({ via }) => via !== 'mount')).toEqual([]);
    expect(
      all.find(({ pins, holders }) => pins.length === 0 && holders.some(({ via }) => via === 'descriptor'))
        ?.stack.status,
    ).toBe('present');
  });

  test('takes no path of an open file for a descriptor', async () => {
    const descriptors = Buffer.from((await unpackLog(log)).get('host/descriptors') ?? []).toString();
    expect(descriptors.split('\n').filter((line) => !/^(\d+\t\d+\t\d+)?$/.test(line))).toEqual([]);
  });

  test('finds the namespace that only a socket keeps, and who has the socket', () => {
    const [hidden, ...more] = present(evidence.hiddenNamespaces);
    expect(more).toEqual([]);
    expect(hidden?.links).toEqual(['vethhidden']);
    expect(hidden?.suspects.filter(({ command }) => command === 'sleep')).toEqual([
      { pid: expect.any(Number), command: 'sleep', sockets: 1 },
    ]);
    expect(hidden?.holders).toEqual([
      { pid: expect.any(Number), command: 'sleep', sockets: 1, containerId: null, podUid: null },
    ]);
    expect(hidden?.socketsUnread).toBeNull();
  });

  test('finds the mount namespace that took the pins along', () => {
    const inode = pin('cni-healthy')?.inode;
    expect(present(evidence.mounts).elsewhere).toContainEqual(
      expect.objectContaining({ command: 'sleep', inodes: expect.arrayContaining([inode]) }),
    );
  });

  test('notes no copies of pins that go with their pins, as each agent has one of all', async () => {
    const elsewhere = Buffer.from((await unpackLog(log)).get('host/mounts-elsewhere') ?? []).toString();
    expect(elsewhere).toContain('net:[');
    expect(elsewhere).not.toContain('master:');
  });

  test('sees a rule whose link is gone', () => {
    expect(present(evidence.hostNetwork).rules).toContainEqual(
      expect.objectContaining({ priority: 10, inputLink: 'vethgone', detached: true, table: '100' }),
    );
  });

  test('keeps the good files of the CNI when one among them is broken', () => {
    expect(
      present(evidence.cniResults)
        .map(({ podName }) => podName)
        .sort(),
    ).toEqual(['bare', 'filtered', 'healthy', 'kept']);
    const ipam = present(evidence.ipam)[0];
    expect(ipam?.allocations).toContainEqual(
      expect.objectContaining({ address: '10.1.1.2', containerId: 'aaaa', interface: 'eth0' }),
    );
    expect(ipam?.corrupt).toEqual([
      {
        path: "/var/lib/cni/networks/lab/10.1.1.10's",
        reason: expect.stringContaining('not an address'),
      },
      { path: '/var/lib/cni/networks/lab/10.1.1.9', reason: expect.stringContaining('half written') },
    ]);
  });

  test('looks for CNI configurations only where containerd does', () => {
    expect(present(evidence.cniConfig)).toMatchObject({
      directory: '/run/lab/net.d',
      files: [
        { name: '10-lab.conflist', network: 'lab', error: null },
        { name: '20-link.conflist', network: 'link', error: null },
      ],
    });
  });

  const sandbox = (name: string) => present(evidence.sandboxes).find((one) => one.name === name);

  test("finds the sandboxes that containerd keeps in a place of the administrator's", () => {
    expect(sandbox('kept')).toMatchObject({ id: 'kept', state: 'stopped' });
  });

  test('sees processes and network of what docker runs', () => {
    expect(sandbox('docked')).toMatchObject({ network: 'pod', pid: expect.any(Number), stable: true });
    expect(sandbox('docked-host')).toMatchObject({ network: 'node', process: 'running' });
  });

  test('takes no sandbox for ready that CRI-O has stopped', () => {
    expect(sandbox('finished')).toMatchObject({ state: 'stopped', process: 'none', stable: true });
  });

  test('is not kept by a container that makes its resolv.conf larger than any memory', () => {
    const large = sandbox('healthy')?.containers.find(({ name }) => name === 'large');
    expect(large).toMatchObject({ pid: expect.any(Number), resolvConf: null });
  });

  test('makes a namespace and leaves none behind', () => {
    expect(present(evidence.creation)).toMatchObject({ ok: true, error: null });
  });
});

const NO_PERL = '#!/bin/sh\nexit 127\n';

describe.skipIf(noLab !== null)('a perl that never ends', () => {
  test('costs time, and leaves each namespace to `ip` and `nft`', async () => {
    const path = insteadOf('perl', '#!/bin/sh\nsleep 1000\n');
    const evidence = await labEvidence(probeLab({ path, arguments: ['limit=6'] }));
    expect(evidence.incomplete).toEqual([]);
    expect(present(evidence.podNetworks).map(({ stack }) => stack === null)).toEqual([false, false, false]);
  });
});

describe.skipIf(noLab !== null)('an image without perl', () => {
  /** By pod, without values that the kernel chose. */
  const stacks = (evidence: Evidence) =>
    present(evidence.podNetworks).map(({ pod, namespace }) => {
      const { stack } = present(evidence.namespaces).find(({ inode }) => inode === namespace) ?? {};
      if (stack === undefined) throw new Error(`the namespace of ${pod.name} was not found`);
      const { links, addresses, routes, rules, packetFilters } = present(stack);
      return {
        pod: pod.name,
        links: links.map(({ name, kind, mtu, up, carrier, peer }) => [
          name,
          kind,
          mtu,
          up,
          carrier,
          peer?.status,
        ]),
        addresses: addresses
          .filter(({ scope }) => scope !== 'link')
          .map(({ link, address }) => [link, address]),
        routes: routes.filter(({ family }) => family === 4),
        rules: rules.filter(({ family }) => family === 4),
        packetFilters,
      };
    });

  /** What runs in which kind of namespace, and what else uses it; numbers are the kernel's choice. */
  const users = (evidence: Evidence) => ({
    processes: present(evidence.processes)
      // A process that started during the listing, such as the probe's own awk, has none yet.
      .filter(({ networkNamespace }) => networkNamespace !== null)
      .filter(({ networkNamespace }) => networkNamespace !== present(evidence.host).networkNamespace)
      .map(({ command, containerId }) => [command, containerId])
      .sort(),
    holders: present(evidence.namespaces)
      .map(({ pins, holders }) => [...pins, ...holders.map(({ via, command }) => `${via} ${command}`)])
      .sort(),
    hidden: present(evidence.hiddenNamespaces).map(({ suspects }) =>
      suspects.map(({ command, sockets }) => [command, sockets]),
    ),
  });

  test('costs time, and nothing else: `ip`, `nft` and the shell say the same', async () => {
    const path = insteadOf('perl', NO_PERL);
    const without = probeLab({ path });
    expect([...(await unpackLog(without)).keys()].filter((name) => name.endsWith('/netlink'))).toEqual([]);
    const evidence = await labEvidence(without);
    expect(evidence.incomplete).toEqual([]);
    expect(stacks(evidence)).toHaveLength(3);
    const other = await labEvidence(probeLab());
    expect(stacks(evidence)).toEqual(stacks(other));
    expect(users(evidence)).toEqual(users(other));
    expect(users(evidence).holders.flat().join()).toContain('descriptor ');
    expect(present(evidence.hiddenNamespaces)).toMatchObject([
      { holders: [], socketsUnread: 'sockets of the node could not be asked' },
    ]);
  });
});

describe.skipIf(noLab !== null)('a command that never ends', () => {
  test('costs its own step only: the rest is read, and the trailer printed', async () => {
    const path = insteadOf('dmesg', '#!/bin/sh\nsleep 1000\n');
    const evidence = await labEvidence(probeLab({ path, arguments: ['limit=6'] }));
    expect(evidence.incomplete).toEqual(['kernel_log did not end in time']);
    expect(evidence.kernelLog).toEqual({ status: 'failed', reason: 'kernel_log did not end in time' });
    expect(evidence.podNetworks.status).toBe('present');
  });

  test('leaves time to see what stood until the end', async () => {
    const path = insteadOf('nft', '#!/bin/sh\nsleep 1000\n');
    const evidence = await labEvidence(probeLab({ path, arguments: ['limit=10', 'total=8'] }));
    expect([...evidence.incomplete].sort()).toEqual([
      'host_firewall did not end in time',
      'the probe did not get to own_names',
      'the probe did not get to suspects',
    ]);
    for (const name of ['sandboxes', 'namespaces', 'podNetworks', 'pins'] as const)
      expect(evidence[name].status).toBe('present');
    expect(present(evidence.podNetworks)).toHaveLength(3);
  });

  test.each([
    // Mounts that the probe reads.
    ['last look at what stands', 'grep', '" - nsfs "'],
    ['look at the links of the host', 'ip', '*/proc/1/ns/net*'],
  ])(
    'is no %s, which is slow on a busy node: that has all the time that is left',
    async (_, program, words) => {
      const path = insteadOf(
        program,
        `#!/bin/sh\ncase "$1 $2" in ${words}*) sleep 11 ;; esac\nPATH=\${PATH#*:}\nexec ${program} "$@"\n`,
      );
      const evidence = await labEvidence(probeLab({ path, arguments: ['limit=8'] }));
      expect(evidence.incomplete).toEqual([]);
      expect(present(evidence.podNetworks)).toHaveLength(3);
    },
  );

  test('leaves a node unknown, never healthy, when the time for all of it is over', async () => {
    const path = insteadOf('xargs', '#!/bin/sh\nsleep 1000\n');
    const evidence = await labEvidence(probeLab({ path, arguments: ['limit=5', 'total=1'] }));
    for (const name of ['sandboxes', 'namespaces', 'podNetworks', 'pins'] as const)
      expect(evidence[name].status).toBe('failed');
  });
});

describe.skipIf(noLab !== null)('a node with a kubelet and a long kernel log', () => {
  test("has the kubelet's later settings taken, and the end of the log", async () => {
    const path = insteadOf(
      'dmesg',
      "#!/bin/sh\nyes '[    1.000000] noise' | head -n 150000\necho '[    2.000000] the last line'\n",
    );
    const evidence = await labEvidence(probeLab({ path, kubelet: true }));
    expect(present(evidence.nodeResolvConf).nameservers).toEqual(['192.0.2.1']);
    expect(present(evidence.kernelLog).at(-1)?.text).toBe('the last line');
  });
});

describe.skipIf(noLab !== null)('a node whose directories and names are not the usual ones', () => {
  test.each([
    ["has the file of the agent's socket elsewhere", 'elsewhere'],
    ['has no process that is known to be the agent', 'unknown'],
  ] as const)('has lost no socket if it %s', async (_, agent) => {
    const { cniConfig, incomplete } = await labEvidence(probeLab({ agent }));
    expect(incomplete).toEqual([]);
    expect(present(cniConfig).lostSockets).toEqual([]);
  });

  test("is read on if the root of the agent's container does not answer", async () => {
    const path = insteadOf(
      'readlink',
      '#!/bin/sh\ncase $1 in /proc/1/*) ;; /proc/*/root/var/run) sleep 100 ;; esac\nexec /usr/bin/readlink "$@"\n',
    );
    const { cniConfig, incomplete } = await labEvidence(probeLab({ path, arguments: ['limit=3'] }));
    expect(incomplete).toEqual(['cni_sockets did not end in time']);
    expect(present(cniConfig).lostSockets).toEqual([]);
  });
});

describe.skipIf(noLab !== null)('a node at its limit of namespaces', () => {
  test('is found to be at it, and to make no more', async () => {
    const evidence = await labEvidence(probeLab({ limit: 5 }));
    const kernel = present(evidence.kernel);
    const [near] = failures(
      namespaceCountNearLimit.run(
        {
          kernel,
          namespaces: present(evidence.namespaces),
          hiddenNamespaces: present(evidence.hiddenNamespaces),
        },
        context,
      ),
    );
    expect(near?.detail).toMatch(/^\d+ network namespaces are alive, of at most 5\.$/);
    const [failing] = failures(
      namespaceCreationFailing.run({ kernel, creation: present(evidence.creation) }, context),
    );
    expect(failing).toMatchObject({ severity: 'critical' });
    expect(failing?.detail).toContain('No space left on device');
  });
});

describe.skipIf(noLab !== null)('a node with leaked namespaces by the hundred', () => {
  const leaked = 600;
  const orphans = ({ namespaces }: Evidence) =>
    present(namespaces).filter(({ pins }) => pins[0]?.startsWith('/run/netns/cni-0leaked'));

  test('has all of them counted and judged, though only some are looked into', async () => {
    const evidence = await labEvidence(probeLab({ leaked, arguments: ['stacks=20'] }));
    expect(evidence.incomplete).toEqual([]);
    const found = orphans(evidence);
    expect(found).toHaveLength(leaked);
    const unread = found.filter(({ stack }) => stack.status === 'absent');
    expect(unread.length).toBeGreaterThanOrEqual(leaked - 20);
    expect(found.filter(({ stack }) => stack.status === 'failed')).toEqual([]);
    expect(present(evidence.podNetworks).map(({ stack }) => stack === null)).toEqual([false, false, false]);
    const results = namespaceOrphaned.run(
      {
        namespaces: present(evidence.namespaces),
        pins: present(evidence.pins),
        sandboxes: present(evidence.sandboxes),
        pods: present(evidence.pods),
        host: present(evidence.host),
        events: present(evidence.events),
      },
      {
        ...context,
        now: Date.parse(evidence.takenAt),
        settleSeconds: { ...context.settleSeconds, orphan: 0 },
      },
    );
    expect(results.filter(({ result }) => result === 'unknown')).toEqual([]);
    expect(failures(results).length).toBeGreaterThanOrEqual(leaked);
  }, 120_000);

  test('has all of them counted when the time for looking into them is over', async () => {
    const path = insteadOf('perl', NO_PERL);
    const evidence = await labEvidence(probeLab({ path, leaked, arguments: ['total=8'] }));
    expect(evidence.probeMilliseconds).toBeLessThan(9_000);
    expect(evidence.incomplete).toEqual([]);
    expect(orphans(evidence)).toHaveLength(leaked);
    expect(present(evidence.sandboxes).length).toBeGreaterThanOrEqual(3);
    expect(present(evidence.podNetworks).map(({ stack }) => stack === null)).toEqual([false, false, false]);
  }, 120_000);
});
