/** How a pod is attached, given the CNI plugin that attached it. */
import { BRANCH_ENI } from '../model/cni-names.ts';
import { cniPlugin, type Layout } from '../model/cni-plugins.ts';
import type { PodNetwork } from '../model/evidence.ts';

/** The layout of a pod, or why it is not known. */
export function layoutOf(network: PodNetwork): Layout | string {
  if (network.plugin === null) return 'the CNI plugin of the pod is not known';
  const layout = cniPlugin(network.plugin)?.layout ?? null;
  if (layout === null) return `the layout of the CNI plugin ${network.plugin} is not known`;
  if (network.link !== null && network.link.kind !== 'veth') {
    return `the pod is attached by a ${network.link.kind ?? 'physical'} link, not by a veth pair`;
  }
  // A branch ENI of security groups for pods (strict mode): its routes are in table 100 + VLAN, not in main.
  if (network.hostLink?.name.startsWith(BRANCH_ENI.link))
    return 'the pod is on a branch ENI (security groups for pods)';
  return layout;
}
