import { contains, familyOf, sameAddress } from '../../computed/cidr.ts';
import { lostAddresses, mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { cniPlugin, HOST_LOCAL } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * Applies only where addresses come from a range of the node: VPC addresses and Calico blocks lie outside
 * podCIDRs by design.
 */
export const podAddressWrongSubnet = definePodCheck({
  id: 'pod-address-wrong-subnet',
  topic: 'addresses',
  severity: 'critical',
  title: "The pod's address fits the node's subnet for pods",
  failureTitle: "Pod's address is outside the node's pod subnet",
  why:
    'Other nodes send packets for a subnet to the node that has it. A pod with an address of an earlier ' +
    'subnet can be reached only from its own node, or its traffic goes to the node that has the subnet ' +
    "now. With another prefix length, a pod looks for Services and other nodes' pods on its own link " +
    'instead of behind its gateway.',
  needs: ['podNetworks', 'cniConfig', 'hostNetwork', 'node'],
  unless: [networkElsewhere],
  judge(network, { cniConfig, hostNetwork, node: api }) {
    const known = subnetsOf(network, cniConfig, api.podCIDRs);
    if (known === null) return 'its addresses come from no subnet of the node';
    const lost = lostAddresses(network);
    const sameFamily = (ip: string) => known.subnets.filter((subnet) => familyOf(subnet) === familyOf(ip));
    const judged = network.pod.podIPs.filter((ip) => !lost.includes(ip) && sameFamily(ip).length > 0);
    if (judged.length === 0) return 'the pod holds none of its addresses';
    const outside = judged.filter((ip) => !sameFamily(ip).some((subnet) => contains(subnet, ip)));
    if (outside.length === 0) {
      const resized = resizedOf(network, judged);
      return resized.length === 0
        ? 'pass'
        : {
            detail:
              `${resized.map(({ address, has, given }) => `${network.interface} has ${address}/${has}, and the CNI plugin gave ${address}/${given}`).join('; ')}` +
              ': the pod takes other addresses for its neighbours than its node does.',
            confidence: 'confirmed',
            // Only what is inside one of the two prefixes goes astray.
            severity: 'high',
            evidence: resized.map(({ address, has, given }) => ({
              what: `prefix length of ${address}`,
              expected: `/${given} (CNI result cache)`,
              actual: `/${has}`,
              source: `ip addr (netns ${network.namespace})`,
            })),
            remedy: recreatePod(network.pod),
          };
    }
    const bridge = network.hostLink?.master;
    const stale = hostNetwork.addresses.find(
      ({ link, scope, address, family }) =>
        link === bridge &&
        scope === 'global' &&
        outside.some((ip) => familyOf(ip) === family) &&
        !sameFamily(address).some((subnet) => contains(subnet, address)),
    );
    // The bridge and all of its pods are in the old subnet, or the plugin does not use this subnet.
    if (stale !== undefined) return `the bridge has ${stale.address}: see bridge-address-stale`;
    return {
      detail: `The pod has ${outside.join(', ')}, outside ${known.subnets.join(', ')} (${known.source}).`,
      confidence: 'confirmed',
      evidence: [
        {
          what: 'address of the pod',
          expected: `in ${known.subnets.join(', ')}`,
          actual: outside.join(', '),
          source: `API: pod.status.podIPs, and ip addr (netns ${network.namespace})`,
        },
        { what: 'subnet for pods', actual: known.subnets.join(', '), source: known.source },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});

/** Addresses that are still present, but with a different prefix length than the plugin set. */
function resizedOf(
  network: PodNetwork,
  judged: readonly string[],
): readonly { readonly address: string; readonly has: number; readonly given: number }[] {
  const given = network.results.find((entry) => entry.interface === network.interface)?.addresses ?? [];
  return judged.flatMap((address) => {
    const held = mainAddresses(network).find((one) => sameAddress(one.address, address));
    const result = given.find((one) => sameAddress(one.address, address));
    return held === undefined || result === undefined || held.prefixLength === result.prefixLength
      ? []
      : [{ address, has: held.prefixLength, given: result.prefixLength }];
  });
}

/** The subnets from which the pod's plugin takes addresses; null if it has none of its own on this node. */
function subnetsOf(
  network: PodNetwork,
  config: Sources['cniConfig'],
  podCIDRs: readonly string[],
): { readonly subnets: readonly string[]; readonly source: string } | null {
  const result = network.results.find((entry) => entry.interface === network.interface);
  const file = config.files.find(
    (each) => each.error === null && result !== undefined && each.network === result.network,
  );
  if (file === undefined) return null;
  if (cniPlugin(network.plugin)?.addresses === 'podCIDR')
    return podCIDRs.length > 0 ? { subnets: podCIDRs, source: 'API: node.spec.podCIDRs' } : null;
  return file.ipam.includes(HOST_LOCAL) && file.subnets.length > 0
    ? { subnets: file.subnets, source: `${config.directory}/${file.name}` }
    : null;
}
