import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { contains, familyOf } from '../cidr.ts';
import { defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { lostAddresses, networkElsewhere } from '../preconditions.ts';
import { recreatePod } from '../remedies.ts';

/** Only where addresses come from a range of the node: VPC addresses and Calico's blocks lie outside of podCIDRs by design. */
export const podAddressWrongSubnet = defineCheck({
  id: 'pod-address-wrong-subnet',
  topic: 'addresses',
  severity: 'high',
  title: "The pod's address lies in the node's subnet for pods",
  failureTitle: "Pod's address is outside of the node's subnet for pods",
  why: "Other nodes send a subnet's packets to the node that has it: a pod that kept an address of an earlier subnet is reached from its own node only, or its traffic goes to the node that has the subnet now.",
  needs: ['podNetworks', 'cniConfig', 'hostNetwork', 'node'],
  run({ podNetworks, cniConfig, hostNetwork, node: api }, { node }) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, node);
      const elsewhere = networkElsewhere(network);
      if (elsewhere !== null) return notApplicable(object, elsewhere);
      const known = subnetsOf(network, cniConfig, api.podCIDRs);
      if (known === null) return notApplicable(object, 'its addresses come from no subnet of the node');
      const lost = lostAddresses(network);
      const sameFamily = (ip: string) => known.subnets.filter((subnet) => familyOf(subnet) === familyOf(ip));
      const judged = network.pod.podIPs.filter((ip) => !lost.includes(ip) && sameFamily(ip).length > 0);
      if (judged.length === 0) return notApplicable(object, 'the pod holds none of its addresses');
      const outside = judged.filter((ip) => !sameFamily(ip).some((subnet) => contains(subnet, ip)));
      if (outside.length === 0) return pass(object);
      const bridge = network.hostLink?.master;
      const stale = hostNetwork.addresses.find(
        ({ link, scope, address, family }) =>
          link === bridge &&
          scope === 'global' &&
          outside.some((ip) => familyOf(ip) === family) &&
          !sameFamily(address).some((subnet) => contains(subnet, address)),
      );
      // The bridge itself is in the old subnet, and all of its pods with it; or the plugin does not go by this subnet.
      if (stale !== undefined)
        return notApplicable(object, `the bridge has ${stale.address}: see bridge-address-stale`);
      return fail(object, {
        detail: `The pod has ${outside.join(', ')}, outside of ${known.subnets.join(', ')} (${known.source}).`,
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
      });
    });
  },
});

/** The subnets that the pod's plugin takes addresses from; null where it has none of its own on this node. */
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
  if (network.plugin === 'flannel')
    return podCIDRs.length > 0 ? { subnets: podCIDRs, source: 'API: node.spec.podCIDRs' } : null;
  return file.ipam.includes('host-local') && file.subnets.length > 0
    ? { subnets: file.subnets, source: `${config.directory}/${file.name}` }
    : null;
}
