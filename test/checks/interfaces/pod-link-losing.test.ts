import { describe, expect, it } from 'vitest';
import { podLinkLosing } from '../../../lib/checks/interfaces/pod-link-losing.ts';
import type { LinkCounters, PodLink } from '../../../lib/model/pod-links.ts';
import { clusterSources } from '../cluster-sources.ts';
import { context, failures } from '../evidence.ts';

const none: LinkCounters = {
  inPackets: 0,
  outPackets: 0,
  inErrors: 0,
  outErrors: 0,
  inDropped: 0,
  outDropped: 0,
  carrierChanges: 2,
};
const earlier: PodLink = {
  node: 'node-1',
  pod: { namespace: 'shop', name: 'web-1', uid: 'u-1' },
  since: '2026-11-19T02:00:01Z',
  link: 'eth0',
  podEnd: { ...none, inPackets: 1_000_000, outPackets: 900_000, inDropped: 40 },
  hostLink: 'veth1',
  hostEnd: { ...none, inPackets: 900_000, outPackets: 1_000_000 },
};
/** How much both ends counted since then. */
const later = (podEnd: Partial<LinkCounters>, hostEnd: Partial<LinkCounters> = {}): PodLink => {
  const plus = (before: LinkCounters, more: Partial<LinkCounters>) =>
    Object.fromEntries(
      Object.entries(before).map(([name, count]) => [name, count + (more[name as keyof LinkCounters] ?? 0)]),
    ) as LinkCounters;
  return {
    ...earlier,
    podEnd: plus(earlier.podEnd, podEnd),
    hostEnd: plus(earlier.hostEnd ?? none, hostEnd),
  };
};
/** Two hours before the check. */
const at = new Date(context.now - 7_200_000).toISOString();
const run = (link: PodLink, links: readonly PodLink[] = [earlier]) =>
  podLinkLosing.run(clusterSources({ podLinks: [link], earlierPodLinks: { at, links } }), context);

describe('pod-link-losing', () => {
  it('passes a link that lost nothing since the last audit, whatever it lost before', () => {
    expect(run(later({ inPackets: 5_000 }))).toMatchObject([
      { result: 'pass', object: { kind: 'pod', name: 'web-1', node: 'node-1' } },
    ]);
  });

  it('says how many packets to the pod were lost since then, and at which end', () => {
    const [found] = failures(run(later({ inPackets: 99_500, inDropped: 500 }, { outPackets: 99_500 })));
    expect(found?.detail).toBe(
      'At the link of the pod (eth0, veth1 on the node) since the audit before, 2 h earlier: 500 of 100000 packets to the pod were lost (0.5 %).',
    );
    expect(found?.evidence.map(({ what, actual }) => `${what}: ${actual}`)).toEqual([
      'eth0 in the pod: came in, dropped: 500, beside 99500 packets in and 0 out',
    ]);
    expect(found?.severity).toBeUndefined();
    expect(found?.remedy.map(({ command }) => command)).toContain('ip -s -s link show dev veth1');
  });

  it('is worse from one packet in a hundred on, and counts what both ends lose on a way', () => {
    const link = later(
      { outPackets: 9_000, outErrors: 100 },
      { inPackets: 8_900, inDropped: 150, outPackets: 50_000 },
    );
    expect(failures(run(link))[0]).toMatchObject({
      severity: 'high',
      detail: expect.stringContaining('250 of 9250 packets from the pod were lost (2.7 %)'),
    });
  });

  it('passes a few packets, and many beside very many more', () => {
    expect(run(later({ inPackets: 100, inDropped: 99 }))).toMatchObject([{ result: 'pass' }]);
    expect(run(later({ inPackets: 1_000_000, inDropped: 900 }))).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a carrier that comes and goes', () => {
    expect(run(later({ carrierChanges: 3 }))).toMatchObject([{ result: 'pass' }]);
    expect(failures(run(later({}, { carrierChanges: 6 })))[0]).toMatchObject({
      severity: 'high',
      detail: expect.stringContaining('the carrier went away or came back 6 times'),
    });
  });

  it('is silent the first time: without an earlier report, and for a link that it does not have', () => {
    const losing = later({ inPackets: 1_000, inDropped: 500 });
    const first = podLinkLosing.run(clusterSources({ podLinks: [losing] }), context);
    expect(first).toMatchObject([{ result: 'notApplicable' }]);
    expect(run(losing, [])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('begins anew with another sandbox, another pod of the name, and counters that went back', () => {
    const losing = later({ inPackets: 1_000, inDropped: 500 });
    expect(run({ ...losing, since: '2026-11-19T09:00:00Z' })).toMatchObject([{ result: 'notApplicable' }]);
    expect(run({ ...losing, pod: { ...losing.pod, uid: 'u-2' } })).toMatchObject([
      { result: 'notApplicable' },
    ]);
    expect(run(later({ inPackets: -1_000, inDropped: 500 }))).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('were reset') },
    ]);
  });

  it('judges a link whose end on the node is none of its own, or another one than before, by the pod alone', () => {
    const losing = later({ inPackets: 1_000, inDropped: 500 });
    expect(failures(run({ ...losing, hostLink: 'veth2', hostEnd: none }))[0]?.detail).toContain(
      'At the link of the pod (eth0) since',
    );
    expect(failures(run({ ...losing, hostLink: null, hostEnd: null }))).toHaveLength(1);
  });
});
