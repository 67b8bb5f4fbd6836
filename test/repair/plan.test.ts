import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../lib/model/finding.ts';
import { mostObjects } from '../../lib/probe/index.ts';
import { actsWithin, needsRepairPod, objectCount } from '../../lib/repair/act.ts';
import { planRepairs, whyNotBy } from '../../lib/repair/plan.ts';
import { scriptOf } from '../../lib/repair/script.ts';
import {
  aFinding,
  anOrphan,
  aPlainPin,
  aReport,
  aStaleRoute,
  lowLimits,
  aLeakedPair as pair,
  leakedRecords as records,
  somethingLost,
} from '../report/sample.ts';
import { leaked } from './calico.ts';

const plan = (changes: Partial<Finding>, ...others: Finding[]) =>
  planRepairs(aReport({ findings: [aFinding(changes), ...others] }), {});

describe('a report', () => {
  const cluster = { uid: 'c0ffee' };
  const at = Date.parse(aReport().startedAt);

  it('serves for a day, and for its own cluster', () => {
    expect(whyNotBy(aReport(), cluster, at + 23 * 3_600_000)).toBeNull();
    expect(whyNotBy(aReport(), cluster, at + 25 * 3_600_000)).toContain('25 hours old');
    expect(whyNotBy(aReport(), { uid: 'another' }, at)).toContain('another cluster');
  });

  it('of an older version does not serve: its findings do not say what the tool can repair', () => {
    const { repair: _, ...older } = aFinding();
    expect(whyNotBy(aReport({ findings: [older] }), cluster, at)).toContain('made by an older version');
    const unseen = aReport({ findings: [aFinding(), { ...older, notSeen: true }] });
    expect(whyNotBy(unseen, cluster, at)).toBeNull();
  });
});

describe('a plan', () => {
  it('recreates a pod once, for all its findings', () => {
    const { acts, byHand } = plan({}, aFinding({ fingerprint: 'f2', check: 'pod-loopback-down' }));
    expect(byHand).toEqual([]);
    expect(acts).toHaveLength(1);
    expect(acts[0]).toMatchObject({
      kind: 'recreate-pod',
      pod: { namespace: 'shop', name: 'web-1' },
      refused: null,
    });
    expect(acts[0]?.findings.map(({ check }) => check)).toEqual([
      'pod-interface-missing',
      'pod-loopback-down',
    ]);
  });

  it.each<[string, Partial<Finding>]>([
    ['seen once', { state: 'pending' }],
    ['did not look at it', { state: 'open', notSeen: true }],
    ['only suspected', { confidence: 'suspected' }],
    ['only packets show it', { topic: 'connectivity' }],
    ['an exception of network', { suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } }],
  ])('refuses what was %s', (words, changes) => {
    expect(plan(changes).acts[0]?.refused).toContain(words);
  });

  it('refuses a symptom, as a new pod would share its cause', () => {
    const cause = aFinding({
      fingerprint: 'cause',
      check: 'node-forwarding-disabled',
      object: { kind: 'node', name: 'node-1' },
      remedy: [],
    });
    expect(plan({ partOf: 'cause' }, cause).acts[0]?.refused).toContain(
      'node-forwarding-disabled is its cause',
    );
  });

  it('leaves to people what the tool has no repair for, whatever its remedy says', () => {
    expect(plan({ repair: null })).toMatchObject({ acts: [], byHand: [{ check: 'pod-interface-missing' }] });
  });

  it('goes by the repair of a finding, not by the words of its remedy', () => {
    const remedy = [{ purpose: 'repair' as const, text: 'Other words.', command: 'reboot' }];
    const { repair } = aFinding();
    expect(plan({ remedy, ...(repair === undefined ? {} : { repair }) }).acts).toHaveLength(1);
  });

  it('does not take a refused finding for a reason beside a good one', () => {
    const { acts } = plan({}, aFinding({ fingerprint: 'f2', check: 'pod-loopback-down', state: 'pending' }));
    expect(acts[0]?.findings.map(({ check }) => check)).toEqual(['pod-interface-missing']);
  });

  it('is of what was asked for', () => {
    const report = aReport({ findings: [aFinding()] });
    for (const asked of [{ check: 'x' }, { node: 'node-2' }, { pod: { namespace: 'shop', name: 'web-2' } }])
      expect(planRepairs(report, asked).acts).toEqual([]);
    expect(
      planRepairs(report, {
        check: 'pod-interface-missing',
        node: 'node-1',
        pod: { namespace: 'shop', name: 'web-1' },
      }).acts,
    ).toHaveLength(1);
  });
});

describe('a plan for orphaned namespaces', () => {
  const orphans = (...changes: Partial<Finding>[]): Finding[] =>
    changes.map((each, at) => anOrphan(at + 1, each));
  const planned = (...changes: Partial<Finding>[]) =>
    planRepairs(aReport({ findings: orphans(...changes) }), {});

  it('has one act for each node, with all that nobody uses there', () => {
    const elsewhere = { object: { ...anOrphan(3).object, node: 'node-2' } };
    const { acts, byHand } = planned({}, {}, elsewhere);
    expect(byHand).toEqual([]);
    expect(acts).toMatchObject([
      { kind: 'delete-namespaces', node: 'node-1', refused: null, orphans: [{ inode: 1 }, { inode: 2 }] },
      { kind: 'delete-namespaces', node: 'node-2', refused: null, orphans: [{ inode: 3 }] },
    ]);
  });

  it.each<[string, Partial<Finding>]>([
    ['one audit has seen it', { runs: 1 }],
    ['seen once', { state: 'pending' }],
    ['did not look at it', { notSeen: true }],
    ['only suspected', { confidence: 'suspected' }],
    ['an exception of network', { suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } }],
    [
      'not one that containerd makes',
      { repair: { kind: 'delete-namespaces', path: '/run/netns/vpn', inode: 2, made: 1 } },
    ],
  ])('refuses what was %s, and what stands beside it goes', (words, changes) => {
    const { acts } = planned({}, changes);
    expect(acts.map(({ refused }) => refused)).toEqual([null, expect.stringContaining(words)]);
    expect(acts[0]?.findings).toHaveLength(1);
  });

  it('lets no more objects be tried than was said, and one pod take no more than it can', () => {
    const { acts } = planRepairs(aReport({ findings: [...orphans({}, {}, {}, {}, {}), aFinding()] }), {});
    const inodes = (limit: number): unknown[] =>
      actsWithin(acts, limit, () => 2).map((act) =>
        act.kind === 'delete-namespaces' ? act.orphans.map(({ inode }) => inode) : act,
      );
    expect(inodes(3)).toEqual([[1, 2], [3]]);
    expect(inodes(5)).toEqual([[1, 2], [3, 4], [5]]);
    expect(inodes(99)).toMatchObject([[1, 2], [3, 4], [5], { pod: { name: 'web-1' } }]);
    expect(actsWithin(acts, 3, () => 2)[1]?.findings).toHaveLength(1);
  });
});

describe('a script', () => {
  it('is one for sh that changes nothing as it stands, whatever a node says', () => {
    const hostile = 'x\nrm -rf /; $(reboot)';
    const finding = aFinding({
      detail: hostile,
      remedy: [
        { purpose: 'look', text: hostile, command: 'echo looked' },
        { purpose: 'repair', text: 'Delete it.', command: 'kubectl delete pod -n shop web-1' },
      ],
    });
    const script = scriptOf(aReport(), [finding]);
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('looked\n');
    expect(script).toContain('\n#! kubectl delete pod -n shop web-1\n');
    expect(script.split('\n')[1]).toMatch(/^# Do not run this as a whole/);
  });

  it('goes on after a look that fails because it must find nothing', () => {
    const nothing = {
      purpose: 'look',
      text: 'must print nothing',
      command: 'grep -lsF x /dev/null',
    } as const;
    const next = { purpose: 'look', text: 'the next', command: 'echo "$HOME_OF_NOBODY" reached' } as const;
    const script = scriptOf(aReport(), [aFinding({ remedy: [nothing, next] }), aFinding({ remedy: [next] })]);
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(' reached\n reached\n');
  });
});

describe('a plan for the CNI agent of a node', () => {
  const repair = { kind: 'restart-agent', namespace: 'kube-system', selector: 'k8s-app=aws-node' } as const;
  const ofNode = aFinding({ check: 'cni-agent-down', object: { kind: 'node', name: 'node-1' }, repair });
  const ofFile = anOrphan(7, {
    check: 'ipam-leaked',
    object: { kind: 'file', name: 'x', node: 'node-1' },
    repair,
  });

  it('restarts it once for all findings about the node and what is on it', () => {
    const { acts } = planRepairs(aReport({ findings: [ofNode, ofFile] }), {});
    expect(acts).toMatchObject([
      {
        kind: 'restart-agent',
        node: 'node-1',
        agent: { namespace: 'kube-system', selector: 'k8s-app=aws-node' },
        findings: [{ check: 'cni-agent-down' }, { check: 'ipam-leaked' }],
      },
    ]);
  });
});

describe('a plan for what is leaked on a node', () => {
  const container = '1'.repeat(64);
  const planned = (...findings: Finding[]) => planRepairs(aReport({ findings }), {});

  it('has one act for the pairs of a node, and one for its records, after the namespaces that may hold them', () => {
    const { acts, byHand } = planned(anOrphan(1), records(), pair(1), pair(2));
    expect(byHand).toEqual([]);
    expect(acts.map(({ kind }) => kind)).toEqual(['delete-namespaces', 'delete-veths', 'release-addresses']);
    expect(acts[1]).toMatchObject({
      node: 'node-1',
      refused: null,
      objects: [{ argument: 'veth=veth00000001:1' }, { argument: 'veth=veth00000002:2' }],
    });
    expect(acts[2]).toMatchObject({
      objects: [
        { name: 'lab/10.1.1.5', argument: `address=lab:10.1.1.5:${container}` },
        { name: 'lab/fd00::5', argument: `address=lab:fd00::5:${container}` },
      ],
    });
  });

  it('has one act for routes to addresses that nobody has, with what takes each back', () => {
    expect(planned(aStaleRoute(1), aStaleRoute(2)).acts).toMatchObject([
      {
        kind: 'delete-routes',
        refused: null,
        objects: [
          {
            argument: 'restore-stale-route=route-to-10.1.1.1,none,0,veth00000001,1,10.1.1.1,link',
            undo: 'ip -4 route add 10.1.1.1 dev veth00000001 scope link',
          },
          { name: 'route-to-10.1.1.2' },
        ],
      },
    ]);
  });

  it('frees addresses of Calico once namespaces are deleted, and before routes to them are', () => {
    const found = aFinding({
      fingerprint: 'calico',
      check: 'ipam-leaked',
      object: { kind: 'file', name: 'calico-ipam', node: 'node-1' },
      repair: { kind: 'release-allocations', allocations: [leaked] },
      runs: 2,
    });
    const { acts } = planned(aStaleRoute(5), found, anOrphan(1));
    expect(acts.map(({ kind }) => kind)).toEqual([
      'delete-namespaces',
      'release-allocations',
      'delete-routes',
    ]);
    expect(acts[1]).toMatchObject({ node: 'node-1', refused: null, allocations: [leaked] });
    expect(acts.map(needsRepairPod)).toEqual([true, false, true]);
  });

  it('frees the record of an address before it deletes the route to it', () => {
    expect(planned(aStaleRoute(5), records()).acts.map(({ kind }) => kind)).toEqual([
      'release-addresses',
      'delete-routes',
    ]);
  });

  it('raises limits once what fills them is deleted, even if one audit has seen it', () => {
    const { acts } = planned(lowLimits({ runs: 1 }), anOrphan(1));
    expect(acts).toMatchObject([
      { kind: 'delete-namespaces' },
      {
        kind: 'raise-limits',
        refused: null,
        objects: [
          {
            name: 'user.max_net_namespaces',
            argument: 'restore-limits=user.max_net_namespaces,node,0,1000:2000',
            undo: expect.stringMatching(
              /zz-netns-audit-namespaces\.conf.* sysctl -w user\.max_net_namespaces=1000 &&/,
            ),
          },
        ],
      },
    ]);
    expect(planned(lowLimits({ confidence: 'suspected' })).acts).toMatchObject([
      { refused: 'it is only suspected' },
    ]);
  });

  it('has one act for pins that are plain files, each by its name, number and time', () => {
    const name = 'cni-00000000-0000-4000-8000-0000000000ff';
    expect(planned(aPlainPin()).acts).toMatchObject([
      { kind: 'delete-pins', refused: null, objects: [{ name, argument: `pin=${name}:99:1767323045` }] },
    ]);
  });

  it('lets no more of them be tried than was said', () => {
    const { acts } = planned(pair(1), pair(2), records());
    expect(actsWithin(acts, 3, mostObjects).map(objectCount)).toEqual([2, 1]);
  });

  it.each<[string, Partial<Finding>]>([
    ['one audit has seen it', { runs: 1 }],
    ['only suspected', { confidence: 'suspected' }],
    ['did not look at it', { notSeen: true }],
  ])('refuses what was %s', (words, changes) => {
    for (const finding of [pair(1, changes), records(changes), aPlainPin(changes), aStaleRoute(1, changes)])
      expect(planned(finding).acts.map(({ refused }) => refused)).toEqual([expect.stringContaining(words)]);
  });
});

describe('a plan for what pods lost', () => {
  const planned = (...findings: Finding[]) => planRepairs(aReport({ findings }), {});

  it('has one act for all objects of a node, before anything that deletes', () => {
    const { acts } = planned(pair(1), somethingLost());
    expect(acts.map(({ kind }) => kind)).toEqual(['restore', 'delete-veths']);
    expect(acts[0]).toMatchObject({
      node: 'node-1',
      refused: null,
      objects: [{ name: 'shop/web-1/learning', trace: 'flags' }, { name: 'shop/web-1/isolated' }],
    });
  });

  it('puts back what a new pod would repair as well: no pod is restarted', () => {
    const { repair } = somethingLost();
    const { acts } = planned(aFinding({ repair }));
    expect(acts.map(({ kind }) => kind)).toEqual(['restore']);
  });

  it('needs no second audit where its check needs none', () => {
    expect(planned(somethingLost({ runs: 1 })).acts[0]?.refused).toBeNull();
  });

  it.each<[string, Partial<Finding>]>([
    ['seen once', { state: 'pending' }],
    ['only suspected', { confidence: 'suspected' }],
    ['did not look at it', { notSeen: true }],
    ['an exception of network', { suppressed: { owner: 'network', reason: 'known', expires: '2027-01-01' } }],
    ['cause-of-it is its cause', { partOf: 'cause' }],
  ])('refuses what was %s', (words, changes) => {
    const cause = aFinding({ fingerprint: 'cause', check: 'cause-of-it', remedy: [] });
    const { acts } = planned(somethingLost(changes), cause);
    expect(acts.map(({ refused }) => refused)).toEqual([expect.stringContaining(words)]);
  });

  it('sends no pod to a node with more than it has time for', () => {
    const findings = Array.from({ length: 150 }, (_, at) =>
      somethingLost({
        fingerprint: `f${at}`,
        object: { kind: 'pod', namespace: 'shop', name: `web-${at}`, node: 'node-1' },
      }),
    );
    expect(actsWithin(planned(...findings).acts, 1000, mostObjects).map(objectCount)).toEqual([200, 100]);
  });
});
