import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCniConfig, parseCniResults } from '../../lib/probe/parse/cni.ts';
import { parseStack } from '../../lib/probe/parse/ip.ts';
import { parseAwsIpam, parseHostLocal } from '../../lib/probe/parse/ipam.ts';
import {
  parseBlockedTasks,
  parseKernelLog,
  parseNeighbourCounts,
  parseSlab,
  parseSysctls,
} from '../../lib/probe/parse/kernel.ts';
import { parseHostMounts, parseMount, parsePins, reachable } from '../../lib/probe/parse/mounts.ts';
import { parseIptablesSave, parseNftables } from '../../lib/probe/parse/packet-filters.ts';
import { containerIdOf, parseProcesses } from '../../lib/probe/parse/processes.ts';
import { parseContainerResolvConfs } from '../../lib/probe/parse/resolv-conf.ts';
import { parseSteps } from '../../lib/probe/steps.ts';

const ID = 'd'.repeat(64);

describe('ip -j', () => {
  const veth =
    '{"ifindex":2,"link_index":5,"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1500,"operstate":"UP","address":"72:77:4b:82:f2:cb","link_netnsid":0,"linkinfo":{"info_kind":"veth"},"addr_info":[{"family":"inet","local":"10.244.1.3","prefixlen":24,"scope":"global"},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link","tentative":true}]}';
  const stack = parseStack(
    [
      `[${veth},{}]`,
      '[{"type":"unicast","dst":"default","gateway":"10.244.1.1","dev":"eth0","metrics":[{"mtu":1450}],"flags":["onlink"]},{"type":"blackhole","dst":"10.244.77.0/26","flags":[]},{"type":"local","dst":"10.244.1.3","table":"local","dev":"eth0","flags":[]},{"type":"unicast","dst":"default","gateway":"fe80::1","dev":"eth0","flags":[],"pref":"medium"},{"dst":"10.9.0.0/16","flags":[],"nexthops":[{"gateway":"10.244.1.1","dev":"eth0","flags":[]},{"gateway":"10.244.1.9","dev":"eth0","flags":["dead"]}]}]',
      '[{"dst":"169.254.1.1","dev":"eth0","lladdr":"02:00:00:00:00:01","state":["PERMANENT"]}]',
      '[{"priority":10,"src":"all","iif":"hv0","iif_detached":null,"table":"101"},{"priority":1536,"src":"10.0.3.9","table":"2"}]',
      '[{"nsid":0,"name":"host"},{"nsid":7}]',
    ].join('\n'),
    '[{"priority":0,"src":"all","table":"local"}]',
  );

  test('says where the peer of a pair is, and which addresses are not usable yet', () => {
    expect(stack.links).toHaveLength(1);
    expect(stack.links[0]).toMatchObject({
      index: 2,
      kind: 'veth',
      peerIndex: 5,
      peerNamespaceId: 0,
      up: true,
      carrier: true,
    });
    expect(stack.addresses.map(({ address, tentative }) => [address, tentative])).toEqual([
      ['10.244.1.3', false],
      ['fe80::1', true],
    ]);
  });

  test('names default and host routes in CIDR notation, of both families', () => {
    expect(
      stack.routes.map(({ destination, type, mtu, gateway }) => [destination, type, mtu, gateway]),
    ).toEqual([
      ['0.0.0.0/0', 'unicast', 1450, '10.244.1.1'],
      ['10.244.77.0/26', 'blackhole', null, null],
      ['10.244.1.3/32', 'local', null, null],
      ['::/0', 'unicast', null, 'fe80::1'],
      ['10.9.0.0/16', 'unicast', null, '10.244.1.1'],
      ['10.9.0.0/16', 'unicast', null, '10.244.1.9'],
    ]);
  });

  test('tells a detached rule by the presence of its key, whose value is null', () => {
    expect(
      stack.rules.map(({ priority, detached, family, source }) => [priority, detached, family, source]),
    ).toEqual([
      [10, true, 4, 'all'],
      [1536, false, 4, '10.0.3.9/32'],
      [0, false, 6, 'all'],
    ]);
  });

  test.each(['0000:00:05.0', 'virtio0', '1-1:1.0', '7ad35d50-c05b-47ab-b3a0-56a9a845852b'])(
    'reads a device of the bus %s, as every node has one, and links without a MAC address of six bytes',
    (parentdev) => {
      const links = [
        { ifindex: 2, ifname: 'ens5', address: '0a:00:00:00:00:01', parentdev },
        { ifindex: 3, ifname: 'tunl0', address: '0.0.0.0' },
        { ifindex: 4, ifname: 'ip6tnl0', address: '::' },
        { ifindex: 5, ifname: 'bond0.100', link: 'ens5' },
        { ifindex: 6, ifname: 'ib0', address: `80:00:00:28:${'fe:'.repeat(15)}01` },
      ].map((link) => ({ ...link, flags: [], addr_info: [] }));
      const stack = parseStack(`${JSON.stringify(links)}\n[]\n[]\n[]\n[]\n`, '');
      expect(stack.links.map(({ name }) => name)).toEqual(['ens5', 'tunl0', 'ip6tnl0', 'bond0.100', 'ib0']);
      expect(stack.links[0]?.parentDevice).toBe(parentdev);
    },
  );

  test('is refused when a question has no answer', () => {
    expect(() => parseStack('[]\n[]\n[]\n', '')).toThrow('3 of 5');
  });

  test('reads the program of XDP that a link has', () => {
    const prog = { id: 4, name: 'drop5', tag: 'b11459a0e11ca14c', jited: 1, load_time: 47590581353128 };
    const links = [
      { ifindex: 3, ifname: 'veth1', xdp: { mode: 2, prog, attached: [{ mode: 2, prog }] } },
      { ifindex: 4, ifname: 'veth2' },
    ];
    const stack = parseStack(`${JSON.stringify(links)}\n[]\n[]\n[]\n[]\n`, '');
    expect(stack.links.map(({ xdp }) => xdp)).toEqual([{ mode: 'generic', name: 'drop5' }, null]);
  });
});

describe('mounts and pins', () => {
  const pinned = '67 66 0:4 net:[4026532247] /run/netns/a rw shared:3 - nsfs nsfs rw';

  test('carry the inode of the namespace, and decoded paths', () => {
    expect(parseMount(pinned)).toEqual({
      root: 'net:[4026532247]',
      path: '/run/netns/a',
      fileSystem: 'nsfs',
      propagation: 'shared',
      inode: 4026532247,
    });
    expect(parseMount('1 2 0:1 / /run/a\\040b rw master:1 - tmpfs x rw')).toMatchObject({
      path: '/run/a b',
      propagation: 'slave',
    });
  });

  test('show a pin as shadowed when the lookup finds another file than the mount table', () => {
    const { mounts } = parseHostMounts(`${pinned}\ntotal 45\n`);
    expect(
      parsePins('fs 1021994 /run/netns/a\nfile 12 ---------- 1795436533 /run/netns/a\n', mounts),
    ).toEqual([
      {
        path: '/run/netns/a',
        fileSystem: 'tmpfs',
        inode: 12,
        mode: '----------',
        modifiedAt: '2026-11-23T12:22:13.000Z',
        mounted: [4026532247],
      },
    ]);
  });

  test('are refused when the table was cut', () => {
    expect(() => parseHostMounts(`${pinned}\n`)).toThrow('not complete');
  });
});

describe('processes', () => {
  test.each([
    [`/kubepods.slice/kubepods-pod1.slice/cri-containerd-${ID}.scope`, ID],
    [`/../cri-containerd-${ID}.scope`, ID],
    [`/kubepods/besteffort/pod1/${ID}`, ID],
    [`/machine.slice/crio-${ID}.scope`, ID],
    [`/docker/${'e'.repeat(64)}/kubelet/kubepods/pod1/${ID}`, ID],
    [`/machine.slice/crio-conmon-${ID}.scope`, null],
    ['/system.slice/containerd.service', null],
    ['/', null],
  ])('in the cgroup %s are of the container %s', (cgroup, id) => {
    expect(containerIdOf(cgroup)).toBe(id);
  });

  test('keep tabs and spaces of a command in the command', () => {
    expect(parseProcesses('7\t1\t2\t3\tS\t99\t/\ta b\tc\n')[0]).toMatchObject({
      pid: 7,
      networkNamespace: 1,
      command: 'a b\tc',
    });
  });
});

describe('packet filters', () => {
  const text =
    '# Warning: table ip filter is managed by iptables-nft\ntable ip filter {\n\tset a {\n\t\ttype ipv4_addr\n\t}\n\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tip saddr 1.2.3.4 counter drop\n\t}\n}\ntable inet mesh {\n\tchain ISTIO_OUTPUT {\n\t\taccept\n\t}\n}\n';

  test('tell tables of iptables-nft from native ones', () => {
    expect(parseNftables(text)).toEqual([
      {
        backend: 'iptables-nft',
        tables: [
          {
            name: 'filter',
            chains: [
              { name: 'INPUT', hook: 'input', policy: 'drop', rules: ['ip saddr 1.2.3.4 counter drop'] },
            ],
          },
        ],
      },
      {
        backend: 'nftables',
        tables: [
          {
            name: 'inet mesh',
            chains: [{ name: 'ISTIO_OUTPUT', hook: null, policy: null, rules: ['accept'] }],
          },
        ],
      },
    ]);
  });

  test.each([
    ['device "veth1"', ['veth1']],
    ['devices = { "veth1", "veth2" }', ['veth1', 'veth2']],
  ])('name the links whose packets a chain sees, given as %s', (given, devices) => {
    const netdev = `table netdev wall {\n\tchain c {\n\t\ttype filter hook ingress ${given} priority filter; policy drop;\n\t}\n}\n`;
    expect(parseNftables(netdev)[0]?.tables[0]?.chains).toEqual([
      { name: 'c', hook: 'ingress', policy: 'drop', devices, rules: [] },
    ]);
  });

  test('of iptables-legacy keep the order of the rules', () => {
    const save = '*nat\n:OUTPUT ACCEPT [0:0]\n:MINE - [0:0]\n-A OUTPUT -j MINE\n-A MINE -j RETURN\nCOMMIT\n';
    expect(parseIptablesSave(save, 'iptables-legacy').tables[0]?.chains).toEqual([
      { name: 'OUTPUT', hook: 'output', policy: 'accept', rules: ['-A OUTPUT -j MINE'] },
      { name: 'MINE', hook: null, policy: null, rules: ['-A MINE -j RETURN'] },
    ]);
  });
});

describe('kernel state', () => {
  test('has sysctls by the name that sysctl(8) gives them', () => {
    expect(
      parseSysctls('/proc/sys/net/ipv4/conf/eth0.5/forwarding:1\n/proc/sys/fs/mount-max:100000\n'),
    ).toEqual({
      'net.ipv4.conf.eth0/5.forwarding': '1',
      'fs.mount-max': '100000',
    });
  });

  test('dates the messages of the kernel from the boot', () => {
    expect(
      parseKernelLog('[   12.500000] unregister_netdevice: waiting for lo\n[T1] nothing\n', 1000),
    ).toEqual([
      { seconds: 12.5, at: '1970-01-01T00:16:52.500Z', text: 'unregister_netdevice: waiting for lo' },
    ]);
  });

  test('reads counts in the base that the kernel prints them in', () => {
    expect(parseNeighbourCounts('arp entries,  allocs\narp 0000001a,  00000000\n')).toEqual({
      ipv4: 26,
      ipv6: null,
    });
    expect(parseSlab('net_namespace         14     16   4288    7    8 : tunables\n')).toBe(14);
    expect(parseSlab('')).toBeNull();
  });

  test('has the stacks of blocked tasks', () => {
    expect(parseBlockedTasks('# 12 13 kworker/u4:1\n[<0>] cleanup_net+0x1/0x2\n')).toEqual([
      { pid: 13, command: 'kworker/u4:1', stack: ['cleanup_net+0x1/0x2'] },
    ]);
  });
});

describe('resolv.conf of containers', () => {
  test('tells a missing file from an empty one and from an ended process, and leaves odd files unknown', () => {
    const confs = parseContainerResolvConfs(
      '# a 1 file\n# b 2 none\n# c 3 odd\n# d 4 file\n# e 5 ended\n',
      '/proc/1/root/etc/resolv.conf:search a b\n/proc/1/root/etc/resolv.conf:nameserver 10.96.0.10\n/proc/1/root/etc/resolv.conf:options ndots:5\n',
    );
    expect(confs.get(1)).toEqual({
      exists: true,
      nameservers: ['10.96.0.10'],
      searches: ['a', 'b'],
      options: ['ndots:5'],
    });
    expect(confs.get(2)).toMatchObject({ exists: false });
    expect(confs.has(3)).toBe(false);
    expect(confs.get(4)).toEqual({ exists: true, nameservers: [], searches: [], options: [] });
    expect(confs.get(5)).toBe('ended');
  });
});

describe('IPAM', () => {
  test('of the AWS VPC CNI has its times in nanoseconds', () => {
    const line =
      '{"file":"/run/aws-node/ipam.json","version":"vpc-cni-ipam/1","allocations":[{"networkName":"aws-cni","containerID":"c1","ifName":"eth0","ipv4":"10.0.3.9","allocationTimestamp":1795436533000000000,"metadata":{"k8sPodNamespace":"shop","k8sPodName":"web"}}]}';
    expect(parseAwsIpam(line)[0]?.allocations).toEqual([
      {
        address: '10.0.3.9',
        containerId: 'c1',
        interface: 'eth0',
        modifiedAt: '2026-11-23T12:22:13.000Z',
        pod: 'shop/web',
      },
    ]);
    expect(
      parseAwsIpam('{"file":"/run/aws-node/ipam.json","version":"vpc-cni-ipam/9"}')[0]?.corrupt,
    ).toHaveLength(1);
  });

  test('of AWS has entries of both readings, and the addresses that were being assigned or freed', () => {
    const reading = (...addresses: string[]) =>
      JSON.stringify({
        file: '/run/aws-node/ipam.json',
        version: 'vpc-cni-ipam/1',
        allocations: addresses.map((ipv4) => ({ containerID: `of-${ipv4}`, ipv4 })),
      });
    const [both] = parseAwsIpam(reading('10.0.3.9', '10.0.3.7'), reading('10.0.3.9', '10.0.3.8'));
    expect(both?.allocations.map(({ address }) => address)).toEqual(['10.0.3.9']);
    expect(both?.changing).toEqual(['10.0.3.7', '10.0.3.8']);
    expect(parseAwsIpam(reading('10.0.3.9'), reading('10.0.3.9'))[0]).not.toHaveProperty('changing');
  });
});

describe('steps of the probe', () => {
  test('that were never reached are problems as well: a probe that was cut short is not a clean one', () => {
    expect([
      ...parseSteps(
        'processes 0 1 \nstack hung 1000 4026532400 netns/4026532400 pin /x\n',
        '',
      ).problems.keys(),
    ]).toEqual(['stack 4026532400', 'pins', 'mounts', 'sandboxes', 'plan', 'sandboxes_again', 'end']);
  });

  test('that were left out for lack of time are problems, the stacks of namespaces without a sandbox are none', () => {
    const { problems, stacksLeftOut } = parseSteps('cni skipped 0\nstacks skipped 0\n', '');
    expect(problems.get('cni')).toBe('the probe did not get to cni');
    expect([...problems.keys()].filter((name) => name.startsWith('stack'))).toEqual([]);
    expect(stacksLeftOut).toContain('left out');
  });
});

describe('anything that a hostile node may print', () => {
  test.each<[string, (text: string) => unknown]>([
    ['links', (text) => parseStack(text, text)],
    ['mounts', parseHostMounts],
    ['pins', (text) => parsePins(text, [])],
    ['processes', parseProcesses],
    ['rulesets', parseNftables],
    ['iptables', (text) => parseIptablesSave(text, 'iptables-legacy')],
    ['sysctls', parseSysctls],
    ['the kernel log', (text) => parseKernelLog(text, 0)],
    ['CNI results', parseCniResults],
    ['CNI configurations', (text) => parseCniConfig(text, text, text)],
    [
      'host-local files',
      (text) => parseHostLocal(text, text, { directories: text, emptied: [], later: text }, null),
    ],
    ['steps', (text) => parseSteps(text, text)],
  ])('as %s is parsed or refused with an Error, soon', (_, parse) => {
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(
        'net:[1]',
        '/proc/sys/__proto__:1',
        '# 1 1',
        '*a',
        ':b',
        '-A b',
        'table ip filter {',
        '\tchain a {',
        '[1.1] x',
      ),
    );
    fc.assert(
      fc.property(fc.array(line), (all) => {
        try {
          parse(all.join('\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('directories', () => {
  test('mounted before a directory above them was are out of reach', () => {
    const { mounts } = parseHostMounts(
      [
        '1 0 254:0 / / rw shared:1 - ext4 /dev/vda rw',
        '2 1 254:0 /run/netns /run/netns rw - ext4 /dev/vda rw',
        '3 1 0:43 / /run rw shared:3 - tmpfs run rw',
        '4 3 0:43 /netns /run/netns rw shared:3 - tmpfs run rw',
        'total 4',
      ].join('\n'),
    );
    expect(reachable(mounts).map(({ path, fileSystem }) => [path, fileSystem])).toEqual([
      ['/', 'ext4'],
      ['/run', 'tmpfs'],
      ['/run/netns', 'tmpfs'],
    ]);
  });

  test('in which containerd does not look have no plugins for it', () => {
    const binaries =
      '-rwxr-xr-x 9 /opt/cni/bin/bridge\n-rwxr-xr-x 9 /usr/lib/cni/bridge\n-rwxr-xr-x 9 /usr/lib/cni/portmap\n';
    expect(parseCniConfig('', '', binaries, '/opt/cni/bin\n')).toMatchObject({
      binaryDirectory: '/opt/cni/bin',
      binaries: ['bridge'],
    });
    expect(parseCniConfig('', '', binaries, '').binaries).toEqual(['bridge', 'portmap']);
    const broken = '-rw-r--r-- 9 /opt/cni/bin/portmap\n-rwxr-xr-x 0 /opt/cni/bin/bridge\n';
    expect(parseCniConfig('', '', broken, '/opt/cni/bin\n')).toMatchObject({
      binaries: [],
      unusable: [
        { name: 'portmap', why: 'not executable' },
        { name: 'bridge', why: 'empty' },
      ],
    });
  });
});
