import { describe, expect, test } from 'vitest';
import type { NetworkNamespace, Pin } from '../../lib/model/evidence.ts';
import { parseAwsIpam, parseHostLocal } from '../../lib/probe/parse/ipam.ts';
import { parseMount } from '../../lib/probe/parse/mounts.ts';
import { stableNamespaces, stablePins } from '../../lib/probe/stable.ts';

const pin = (name: string, inode: number, fileSystem = 'nsfs'): Pin => ({
  path: `/run/netns/${name}`,
  fileSystem,
  inode,
  mode: '-r--r--r--',
  modifiedAt: '2026-11-23T12:00:00.000Z',
  mounted: [],
});
const namespace = (inode: number, host = false): NetworkNamespace => ({
  inode,
  host,
  pins: [],
  holders: [],
  namespaceIds: [],
  stack: { status: 'failed', reason: 'not of interest' },
});
const inodes = (all: readonly { inode: number }[]) => all.map(({ inode }) => inode);

describe('a pin', () => {
  const first = [
    pin('stays', 1),
    pin('deleted', 2),
    pin('mounted-meanwhile', 9, 'tmpfs'),
    pin('made-anew', 4),
  ];
  test('is judged only if a second look finds the same file', () => {
    const later = [pin('stays', 1), pin('mounted-meanwhile', 3), pin('made-anew', 5), pin('new', 6)];
    expect(inodes(stablePins(first, later))).toEqual([1]);
  });

  test('is judged in evidence that has no second look', () => {
    expect(stablePins(first, null)).toEqual(first);
  });
});

describe('a namespace', () => {
  const mount = (inode: number) =>
    parseMount(`9 1 0:4 net:[${inode}] /run/netns/x rw shared:5 - nsfs nsfs rw`);
  test('is judged only if its path still leads there, or its mount still stands', () => {
    const all = [namespace(1, true), namespace(2), namespace(3), namespace(4), namespace(5), namespace(6)];
    const left = stableNamespaces(all, new Set([1, 2, 3]), {
      reached: '2 /proc/1/root/run/netns/a\n',
      // 4 is hidden below another mount, 5 was unmounted, and 6 was created while the node was read.
      mounts: [mount(4), mount(6)],
      pins: [pin('a', 2), pin('new', 6)],
    });
    expect(inodes(left)).toEqual([1, 2, 4]);
  });

  test('is judged in evidence that has no second look', () => {
    const all = [namespace(1, true), namespace(2)];
    expect(stableNamespaces(all, new Set([2]), { reached: null, mounts: null, pins: null })).toEqual(all);
  });
});

describe('a reservation of host-local', () => {
  const path = (address: string) => `/proc/1/root/var/lib/cni/networks/lab/${address}`;
  const contents = `c1\teth0\t${path('10.1.1.2')}\nc2\teth0\t${path('10.1.1.3')}\n\t\t${path('10.1.1.4')}\n\t\t${path('10.1.1.5')}\n`;
  const files = ['10 7 10.1.1.2', '10 7 10.1.1.3', '10 0 10.1.1.4', '10 0 10.1.1.5'];
  const listing = (all: readonly string[]) =>
    all.map((line) => line.replace(/(\S+)$/, (address) => path(address))).join('\n');

  test('is judged only if it was neither freed nor written meanwhile', () => {
    const later = listing(['10 7 10.1.1.2', '10 70 10.1.1.4', '10 0 10.1.1.5']);
    const [ipam] = parseHostLocal(listing(files), contents, { directories: '', emptied: [], later }, null);
    expect(ipam?.allocations.map(({ address }) => address)).toEqual(['10.1.1.2', '10.1.1.5']);
    expect(ipam?.corrupt.map((one) => one.path)).toEqual(['/var/lib/cni/networks/lab/10.1.1.5']);
  });

  test('need not be there for the store to be seen: it may have been wiped', () => {
    const directories = '/var/lib/cni/networks/lab\n';
    const ipam = parseHostLocal('', '', { directories, emptied: [], later: '' }, null);
    expect(ipam).toMatchObject([{ network: 'lab', path: '/var/lib/cni/networks/lab', allocations: [] }]);
  });
});

describe('the checkpoint of the AWS VPC CNI', () => {
  const line = (allocations: readonly { containerID: string; ipv4: string }[]) =>
    JSON.stringify({ file: '/run/aws-node/ipam.json', version: 'vpc-cni-ipam/1', allocations });
  const one = { containerID: 'c1', ipv4: '10.0.0.1' };
  const two = { containerID: 'c2', ipv4: '10.0.0.2' };

  test('says whose an address is where it still says so later', () => {
    const [ipam] = parseAwsIpam(line([one, two]), line([{ ...two, ipv4: '10.0.0.3' }, one]));
    expect(ipam?.allocations.map(({ address }) => address)).toEqual(['10.0.0.1']);
  });

  const broken = JSON.stringify({
    file: '/run/aws-node/ipam.json',
    error: 'parse error: Invalid numeric literal',
  });
  test('that is no JSON is corrupt, not absent', () => {
    expect(parseAwsIpam(broken, broken)[0]?.corrupt).toEqual([
      { path: '/run/aws-node/ipam.json', reason: expect.stringContaining('not JSON') },
    ]);
  });

  test('that was only being written is not', () => {
    expect(parseAwsIpam(broken, line([one]))[0]).toMatchObject({
      corrupt: [],
      allocations: [{ address: '10.0.0.1' }],
    });
  });
});
