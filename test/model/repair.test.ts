import { describe, expect, it } from 'vitest';
import { findingRepairSchema } from '../../lib/model/finding.ts';
import type { LeakedAllocation } from '../../lib/model/leaked-allocation.ts';
import { allowedRepair, type Repair, whyNever } from '../../lib/model/repair.ts';
import { leaked } from '../repair/calico.ts';

const ID = 'cni-00000000-0000-4000-8000-00000000000a';
const pinned = (path: string): Repair => ({ kind: 'delete-namespaces', path, inode: 4026532999, made: 1 });
const record = (changes: object): Repair => ({
  kind: 'release-addresses',
  records: [{ network: 'lab', address: '10.1.1.5', container: '1'.repeat(64), ...changes }],
});

const allocation = (changes: Partial<LeakedAllocation>): Repair => ({
  kind: 'release-allocations',
  allocations: [{ ...leaked, ...changes }],
});

const staleRoute = (changes: object): Repair => ({
  kind: 'delete-routes',
  objects: [
    {
      what: 'stale-route',
      link: { name: 'veth00000001', index: 4 },
      address: '10.1.1.5',
      scope: 'link',
      ...changes,
    },
  ],
});

const limits = (values = [{ from: 1000, to: 2000 }]): Repair => ({
  kind: 'raise-limits',
  limits: 'user.max_net_namespaces',
  values,
});

describe('an orphaned namespace', () => {
  it.each(['/run/netns', '/var/run/netns'])(
    'may be deleted where containerd has pinned it in %s',
    (folder) => {
      expect(whyNever(pinned(`${folder}/${ID}`))).toBeNull();
    },
  );

  it.each([
    '/run/netns/vpn',
    '/run/netns/cni-dead',
    '/run/netns/qrouter-00000000-0000-4000-8000-00000000000a',
    '/run/netns/00000000-0000-4000-8000-00000000000a',
    `/run/docker/netns/${ID}`,
    `/run/netns/../netns/${ID}`,
    `/run/netns/${ID.toUpperCase()}`,
    `/run/netns/${ID}\n/run/netns/${ID}`,
  ])('is never deleted where its pin is %j', (path) => {
    expect(whyNever(pinned(path))).toContain('not one that containerd makes');
  });
});

describe('a repair that a report says', () => {
  it.each<[string, Repair]>([
    ['a link that no plugin named', { kind: 'delete-veths', name: 'vpn0', index: 4 }],
    ['a link with a number that no link has', { kind: 'delete-veths', name: 'veth00000001', index: 0 }],
    ['a pin in another place', { kind: 'delete-pins', name: '../etc/passwd', inode: 4, made: 1 }],
    ['a pin that containerd does not make', { kind: 'delete-pins', name: 'vpn', inode: 4, made: 1 }],
    ['a route of a link that no plugin named', staleRoute({ link: { name: 'eth0', index: 2 } })],
    ['a route whose address is none', staleRoute({ address: '10.1.1.5 via 10.1.1.1' })],
    ['a route of a scope that plugins do not use', staleRoute({ scope: 'host; reboot' })],
    ['a record in another place', record({ network: '../x' })],
    ['a record whose address is a path', record({ address: '../../etc' })],
    ['a record whose container is no id', record({ container: 'x;reboot' })],
    ['no record at all', { kind: 'release-addresses', records: [] }],
    ['a block in another place', allocation({ block: '../pods' })],
    ['an allocation whose address is none', allocation({ address: '10.1.1.5?x' })],
    ['an allocation whose container is no id', allocation({ container: 'x/../y' })],
    [
      'an allocation of a pod that has no such name',
      allocation({ pod: { namespace: 'shop', name: '../x' } }),
    ],
    ['an allocation that is in use in a way not known', allocation({ use: 'any' as 'result' })],
    ['no allocation at all', { kind: 'release-allocations', allocations: [] }],
    ['limits that would be lowered', limits([{ from: 1000, to: 900 }])],
    ['limits that are as high', limits([{ from: 1000, to: 1000 }])],
    ['limits without all of their values', limits([])],
    ['a limit that the kernel cannot keep', limits([{ from: 1000, to: 2 ** 31 }])],
    ['pods that are no CNI agent', { kind: 'restart-agent', namespace: 'shop', selector: 'app=shop' }],
    ['a pod with a name that no pod has', { kind: 'recreate-pod', namespace: 'shop', name: '--all' }],
    ['a pin longer than any path', pinned(`/${'x'.repeat(5000)}`)],
    [
      'an inode that is none',
      { kind: 'delete-namespaces', path: `/run/netns/${ID}`, inode: 2 ** 40, made: 1 },
    ],
  ])('is none where it names %s', (_, repair) => {
    expect(allowedRepair(repair)).toBeNull();
    expect(findingRepairSchema.parse(repair)).toBeNull();
  });

  it('is none where a later version can repair what this one cannot', () => {
    expect(findingRepairSchema.parse({ kind: 'replace-node' })).toBeNull();
  });

  it('is read as it was written', () => {
    for (const repair of [
      pinned(`/run/netns/${ID}`),
      record({}),
      allocation({}),
      staleRoute({}),
      limits(),
      null,
      undefined,
    ])
      expect(findingRepairSchema.parse(repair)).toEqual(repair);
  });
});
