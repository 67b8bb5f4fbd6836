import { expect, it } from 'vitest';
import { keptLinks, podLinks } from '../../../lib/computed/pods/pod-links.ts';
import type { Evidence } from '../../../lib/model/evidence.ts';
import { type LinkCounters, POD_LINKS_KEPT } from '../../../lib/model/pod-links.ts';
import { aHost, aPodNetwork, HOST_NAMESPACE, POD_NAMESPACE } from '../../checks/evidence.ts';

const none: LinkCounters = {
  inPackets: 10,
  outPackets: 10,
  inErrors: 0,
  outErrors: 0,
  inDropped: 0,
  outDropped: 0,
  carrierChanges: 2,
};
const network = aPodNetwork();
const hostLink = network.hostLink?.name ?? '';

function found(podEnd: Partial<LinkCounters>, hostEnd: Partial<LinkCounters> = {}, kind = 'veth') {
  const evidence = {
    nodeName: 'node-1',
    host: { status: 'present', value: aHost() },
    podNetworks: {
      status: 'present',
      value: [{ ...network, link: network.link === null ? null : { ...network.link, kind } }],
    },
    linkCounters: {
      status: 'present',
      value: [
        { namespace: POD_NAMESPACE, link: 'eth0', ...none, ...podEnd },
        { namespace: HOST_NAMESPACE, link: hostLink, ...none, ...hostEnd },
      ],
    },
  } as unknown as Evidence;
  return podLinks(evidence);
}

it('keeps nothing of links that never lost anything', () => {
  expect(found({})).toEqual([]);
  expect(found({ carrierChanges: 4 })).toEqual([]);
});

it('keeps both ends of a link that lost something at either, or whose carrier changed more than by its making', () => {
  const { namespace, name, uid } = network.pod;
  expect(found({ inDropped: 1 })).toEqual([
    {
      node: 'node-1',
      pod: { namespace, name, uid },
      since: network.sandbox.createdAt,
      link: 'eth0',
      podEnd: { ...none, inDropped: 1 },
      hostLink,
      hostEnd: none,
    },
  ]);
  expect(found({}, { outErrors: 1 })).toHaveLength(1);
  expect(found({}, { carrierChanges: 6 })).toHaveLength(1);
});

it('takes no drop for a loss where the kernel drops by policy, or what was for others', () => {
  expect(found({ inDropped: 50 }, {}, 'netkit')).toEqual([]);
  expect(found({ inDropped: 50 }, {}, 'macvlan')).toEqual([]);
  expect(found({ inErrors: 50 }, {}, 'macvlan')).toHaveLength(1);
});

it('says nothing where the counters were not read', () => {
  const absent = { status: 'absent', reason: 'no perl' } as const;
  const present = { status: 'present', value: [network] } as const;
  const evidence = { podNetworks: present, linkCounters: absent, host: absent } as unknown as Evidence;
  expect(podLinks(evidence)).toBeNull();
});

it('keeps the worst of very many', () => {
  const [link] = found({ inDropped: 1 }) ?? [];
  if (link === undefined) throw new Error('nothing was kept');
  const many = Array.from({ length: POD_LINKS_KEPT + 10 }, (_, index) => ({
    ...link,
    pod: { ...link.pod, name: `web-${index}` },
    podEnd: { ...none, inDropped: 1 + index },
  }));
  const kept = keptLinks(many);
  expect(kept).toHaveLength(POD_LINKS_KEPT);
  expect(Math.min(...kept.map(({ podEnd }) => podEnd.inDropped))).toBe(11);
});
