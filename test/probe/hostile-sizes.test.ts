/**
 * What a hostile node can print within the size limits of a bundle: it costs seconds, and only the part it is
 * about.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeFacts } from '../../lib/audit/node-facts.ts';
import type { Evidence } from '../../lib/model/evidence.ts';
import { misfit } from '../../lib/model/tables.ts';
import { buildEvidence, readArchive } from '../../lib/probe/index.ts';
import { LIMITS } from '../../lib/probe/limits.ts';

const recorded = await readArchive(readFileSync(new URL('../../demo/healthy.tar.gz', import.meta.url)));

/** The recorded healthy node with some of its files replaced, and the CPU seconds needed to read it. */
function evidenceWith(changes: Readonly<Record<string, string>>): { evidence: Evidence; seconds: number } {
  const { before, after, audit } = recorded;
  if (recorded.files === null || after === null) throw new Error('the recording has no bundle');
  const files = new Map(recorded.files);
  for (const [path, text] of Object.entries(changes)) {
    expect(text.length).toBeLessThan(4 * 1024 * 1024);
    files.set(path, new TextEncoder().encode(text));
  }
  const start = process.cpuUsage();
  const evidence = buildEvidence({ files, before, after, settleSeconds: audit.settleSeconds });
  const { user, system } = process.cpuUsage(start);
  return { evidence, seconds: (user + system) / 1e6 };
}

const text = (path: string): string => new TextDecoder().decode(recorded.files?.get(path));
const times = (count: number, line: (index: number) => string): string =>
  `${Array.from({ length: count }, (_, index) => line(index)).join('\n')}\n`;

const mounts = (count: number) =>
  `${times(count, (i) => `${i} 1 0:4 net:[${4026540000 + i}] /run/netns/cni-${i} rw shared:1 - nsfs nsfs rw`)}total ${count}\n`;
const pins = (count: number) =>
  times(
    count,
    (i) =>
      `fs 6e736673 /run/netns/cni-${i}\nfile ${4026540000 + i} -r--r--r-- 1760000000 /run/netns/cni-${i}`,
  );

/** Beyond this the old joins took minutes; reading line by line stays far below. */
const SECONDS = 5;

describe('a bundle of a hostile node', () => {
  it.each([
    ['8,000 pins on 8,000 mounts', { 'host/pins': pins(8_000), 'host/mounts': mounts(8_000) }],
    ['40,000 pins on 40,000 mounts', { 'host/pins': pins(40_000), 'host/mounts': mounts(40_000) }],
    [
      '60,000 directories mounted over each other',
      {
        'host/mounts': `${times(60_000, (i) => `${i} 1 0:4 / /run/d${i}/netns rw - tmpfs tmpfs rw`)}total 60000\n`,
      },
    ],
    [
      '40,000 CNI results and as many kept sandboxes',
      {
        'cni/results.ndjson': times(40_000, (i) => `{"file":"f","containerId":"c${i}","result":{}}`),
        'sandboxes.kept': times(40_000, (i) => `1760000000 /run/containerd/kept/c${i}`),
      },
    ],
    [
      '15,000 containers of one sandbox',
      {
        'sandboxes.before': `${text('sandboxes.before')}${times(15_000, (i) => `containerd\tc${i}\t-\t/x/c${i}/config.json`)}`,
        'sandboxes.after': `${text('sandboxes.after')}${times(15_000, (i) => `containerd\tc${i}\t-\t/x/c${i}/config.json`)}`,
        'sandboxes.ndjson': `${text('sandboxes.ndjson')}${times(
          15_000,
          (i) =>
            `{"file":"/x/c${i}/config.json","annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"one"}}`,
        )}`,
      },
    ],
    [
      'a hundred thousand lines of one resolv.conf',
      { resolv: times(60_000, () => '/proc/7/root/etc/resolv.conf:nameserver 10.96.0.10') },
    ],
    ['60,000 tables of nftables', { 'host/nft': times(60_000, (i) => `table inet t${i} {\n}`) }],
    [
      '60,000 chains of iptables',
      { 'host/iptables-legacy': `*filter\n${times(60_000, (i) => `:C${i} - [0:0]\n-A C${i} -j DROP`)}` },
    ],
    [
      'a line of neighbours that no state ends',
      {
        steps: `${text('steps')}active_plan 0 1\n`,
        'active/targets': '',
        'active/neighbours': `1 dev ${'a'.repeat(200_000)}\n`,
      },
    ],
    [
      'a hundred thousand answers to one ping',
      {
        steps: `${text('steps')}active_cross 0 1\n`,
        'active/cross': times(
          60_000,
          () => 'ICMP Time Exceeded from 10.0.0.1 for ICMP Echo sent to 10.0.0.2',
        ),
      },
    ],
    [
      'a shim whose path is that of a shim again and again',
      {
        'sandboxes.shims': `${text('sandboxes.before').split('\n')[0]?.split('\t')[3]?.replace('config.json', 'shim-binary-path')}\t${'containerd-shim-'.repeat(200_000)}`,
      },
    ],
    [
      '40,000 pins and as many mounts on one path',
      {
        'host/pins': pins(40_000).replaceAll(/cni-\d+/g, 'one'),
        'host/mounts': mounts(40_000).replaceAll(/cni-\d+/g, 'one'),
      },
    ],
    [
      'a route with 20,000 next hops and 200,000 flags',
      {
        'host/ip.json': `[]\n[${JSON.stringify({ dst: 'default', flags: times(200_000, (i) => `f${i}`).split('\n'), nexthops: Array(20_000).fill({ dev: 'a' }) })}]\n[]\n[]\n[]\n`,
      },
    ],
    [
      'a million links that are none',
      { 'host/ip.json': `${JSON.stringify(Array(1_000_000).fill(1))}\n[]\n[]\n[]\n[]\n` },
    ],
    [
      'a CNI result with 700,000 interfaces that are none',
      {
        'cni/results.ndjson': `{"file":"f","result":{"interfaces":${JSON.stringify(Array(700_000).fill({}))}}}\n`,
      },
    ],
    [
      '60,000 checkpoints of one file of 60,000 allocations',
      {
        'cni/aws-ipam.ndjson': times(60_000, () => '{"file":"f","allocations":[]}'),
        'cni/aws-ipam.after': `{"file":"f","allocations":[${times(
          60_000,
          (i) => `{"containerID":"c${i}","ipv4":"1"}`,
        )
          .trim()
          .replaceAll('\n', ',')}]}\n`,
      },
    ],
    [
      'one process 60,000 times, with 60,000 lines of resolv.conf',
      {
        'resolv.index': times(60_000, () => '# x 7 file'),
        resolv: times(60_000, () => '/proc/7/root/etc/resolv.conf:nameserver 10.96.0.10'),
      },
    ],
  ])('of %s is read within seconds', (_, changes) => {
    const { seconds } = evidenceWith(changes);
    expect(seconds).toBeLessThan(SECONDS);
  });

  it('with more objects than any node has is an unknown of that part, with the number', () => {
    const { evidence } = evidenceWith({
      'host/pins': pins(LIMITS.pins + 1).slice(0, 4 * 1024 * 1024 - 1),
      'cni/config.ndjson': times(LIMITS.cniConfigs + 1, (i) => `{"dir":"/etc/cni/net.d","file":"${i}"}`),
    });
    expect(evidence.cniConfig).toEqual({
      status: 'failed',
      reason: 'cni: too many CNI configurations: 1001, at most 1000',
    });
    expect(evidence.sandboxes.status).toBe('present');
  });

  it.each([
    ['99999999999999999999', null],
    ['999999999999', null],
    // One more than the kernel's int, which is that of the tables as well.
    ['2147483648', null],
    ['2147483647', 2_147_483_647],
  ])('with a limit of %s in a sysctl has %s in its row, which tables can hold', (printed, limit) => {
    const huge = text('kernel/sysctl').replace(/(max_net_namespaces:)\d+/, `$1${printed}`);
    expect(huge).toContain(printed);
    const { evidence } = evidenceWith({ 'kernel/sysctl': huge });
    const row = nodeFacts(recorded.before.node, 1, evidence, 0);
    expect(row.limit).toBe(limit);
    expect(misfit('nodes', row)).toBeNull();
  });

  it.each([
    [
      'no pid of its own',
      { 'host/facts': text('host/facts').replace(/^pid=\d+$/m, 'pid=none') },
      'sandboxes',
    ],
    ['an odd uptime', { meta: text('meta').replace(/^uptime=\d+$/m, 'uptime=999999999999999') }, 'kernelLog'],
  ] as const)('with %s costs that part alone', (_, changes, part) => {
    const { evidence } = evidenceWith(changes);
    expect(evidence[part].status).toBe('failed');
    expect(evidence.hostNetwork.status).toBe('present');
    expect(evidence.pins.status).toBe('present');
  });

  it('with a time that is none is partial, and is judged by the clock of the API', () => {
    const { evidence } = evidenceWith({ meta: text('meta').replace(/^time=\d+$/m, 'time=999999999999999') });
    expect(evidence.takenAt).toBe(new Date(recorded.after?.takenAt ?? '').toISOString());
    expect(evidence.incomplete).toContain('meta: "999999999999999" is not a time');
    expect(evidence.hostNetwork.status).toBe('present');
  });

  it.each([
    ['the name of its pod', 'io.kubernetes.cri.sandbox-name', '--all'],
    ['its namespace', 'io.kubernetes.cri.sandbox-namespace', 'shop; reboot'],
    ['the uid of its pod', 'io.kubernetes.cri.sandbox-uid', '-n'],
  ])(
    'with a sandbox whose %s is an option of a command knows nothing of sandboxes',
    (_, annotation, name) => {
      const specs = text('sandboxes.ndjson').replace(
        new RegExp(`("${annotation}":)"[^"]*"`),
        `$1${JSON.stringify(name)}`,
      );
      expect(specs).toContain(name);
      const { evidence } = evidenceWith({ 'sandboxes.ndjson': specs });
      expect(evidence.sandboxes).toMatchObject({
        status: 'failed',
        reason: expect.stringContaining('cannot be the'),
      });
      expect(evidence.podNetworks.status).toBe('failed');
    },
  );

  it.each([
    ['an option of a command', '--all'],
    ['a path', '../../etc'],
    ['two words', 'eth0 up'],
    ['longer than the kernel takes', 'a'.repeat(16)],
  ])('with a link whose name is %s knows nothing of that namespace, and says which name', (_, name) => {
    const printed = text('host/ip.json').replace(/"ifname":"cni0"/, () => `"ifname":${JSON.stringify(name)}`);
    expect(printed).toContain(name);
    const { evidence } = evidenceWith({ 'host/ip.json': printed });
    expect(evidence.hostNetwork).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('cannot be the name of a link'),
    });
    expect(evidence.sandboxes.status).toBe('present');
  });

  it.each([
    [
      'a result for a container that is an option',
      'cni/results.ndjson',
      '{"file":"f","containerId":"--force","result":{}}\n',
      'cniResults',
    ],
    [
      'a result with a gateway that is one',
      'cni/results.ndjson',
      '{"file":"f","containerId":"a","result":{"ips":[{"address":"10.0.0.1/24","gateway":"--x"}]}}\n',
      'cniResults',
    ],
    [
      'a configuration whose file is in another directory',
      'cni/config.ndjson',
      '{"dir":"/etc/cni/net.d","file":"../../shadow"}\n',
      'cniConfig',
    ],
    [
      'a bridge that is an option',
      'cni/config.ndjson',
      '{"dir":"/etc/cni/net.d","file":"a","name":"a","plugins":[{"type":"bridge","bridge":"--x"}]}\n',
      'cniConfig',
    ],
    ['a pin without a directory', 'host/pins', 'fs 6e736673 -rf\nfile 1 -r--r--r-- 1760000000 -rf\n', 'pins'],
  ] as const)('with %s does not know that part, and knows others', (_, path, content, part) => {
    const { evidence } = evidenceWith({ [path]: content });
    expect(evidence[part]).toMatchObject({ status: 'failed' });
    expect(evidence.processes.status).toBe('present');
    expect(evidence.mounts.status).toBe('present');
  });
});
