/** Counters of pods' links, kept in a report so that the next run can see what was lost since. */
import type { Evidence } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { type LinkCounters, POD_LINKS_KEPT, type PodLink } from '../../model/pod-links.ts';

/** A pair gets carrier when both ends are up, which counts as two changes or a few more. */
const USUAL_CHANGES = 4;

/** Main links of settled pods that have ever lost packets; null if the counters were not read. */
export function podLinks({ nodeName, podNetworks, linkCounters, host }: Evidence): PodLink[] | null {
  if (podNetworks.status !== 'present' || linkCounters.status !== 'present' || host.status !== 'present')
    return null;
  const counted = new Map(
    linkCounters.value.map(({ namespace, link, ...counters }) => [`${namespace} ${link}`, counters]),
  );
  return podNetworks.value.flatMap(({ pod, sandbox, namespace, link, hostLink }) => {
    if (link === null) return [];
    const podEnd = counted.get(`${namespace} ${link.name}`);
    const hostEnd =
      hostLink === null ? undefined : counted.get(`${host.value.networkNamespace} ${hostLink.name}`);
    if (podEnd === undefined) return [];
    // Links other than veth pairs drop what was never meant for the pod: netkit by policy, others frames from
    // the surrounding network.
    const counts = link.kind === 'veth' ? same : withoutDrops;
    const found: PodLink = {
      node: nodeName,
      pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
      since: sandbox.createdAt ?? pod.startedAt ?? pod.createdAt,
      link: link.name,
      podEnd: counts(podEnd),
      hostLink: hostEnd === undefined ? null : (hostLink?.name ?? null),
      hostEnd: hostEnd === undefined ? null : counts(hostEnd),
    };
    return weight(found) > 0 ? [found] : [];
  });
}

const same = (counters: LinkCounters) => counters;
const withoutDrops = (counters: LinkCounters) => ({ ...counters, inDropped: 0, outDropped: 0 });

/** The worst links of a cluster, limited so that no report becomes large; in the order of nodes and pods. */
export function keptLinks(links: readonly PodLink[]): PodLink[] {
  const kept =
    links.length > POD_LINKS_KEPT
      ? links.toSorted((a, b) => weight(b) - weight(a)).slice(0, POD_LINKS_KEPT)
      : links;
  return kept.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Identifies a link across reports: the counters of another sandbox start at zero. */
export function keyOf({ node, pod, since, link }: PodLink): string {
  return `${node} ${namespacedName(pod)} ${pod.uid} ${since} ${link}`;
}

/** Everything ever lost, plus carrier changes beyond those of setting up the pair. */
function weight({ podEnd, hostEnd }: PodLink): number {
  const changes = Math.max(podEnd.carrierChanges, hostEnd?.carrierChanges ?? 0);
  return (
    lost(podEnd, 'in') +
    lost(podEnd, 'out') +
    (hostEnd === null ? 0 : lost(hostEnd, 'in') + lost(hostEnd, 'out')) +
    (changes > USUAL_CHANGES ? changes : 0)
  );
}

/** Packets that one end dropped or had errors with, compared with those that passed in the same direction. */
export function lost(counters: LinkCounters, way: 'in' | 'out'): number {
  return way === 'in' ? counters.inDropped + counters.inErrors : counters.outDropped + counters.outErrors;
}
