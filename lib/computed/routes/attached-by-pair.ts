/** Which pods are attached by a veth pair whose other end is on the node. */
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link } from '../../model/network.ts';
import { networkElsewhere } from '../preconditions.ts';

/** The pod's end, or why there is nothing to compare. */
export function podEnd(network: PodNetwork): Link | string {
  const elsewhere = networkElsewhere(network);
  if (elsewhere !== null) return elsewhere;
  const { link } = network;
  if (link === null) return 'the pod has no such interface: see pod-interface-missing';
  if (link.kind !== 'veth')
    return `the pod is attached by a ${link.kind ?? 'physical'} link, not by a veth pair`;
  return link;
}
