import { addressesInUse, comparedAllocations, isHalfWritten } from '../../computed/addresses/allocations.ts';
import { familyOf, sameAddress } from '../../computed/cidr.ts';
import { quote } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The store and the pod disagree about which pod has which address. */
export const ipamConflict = definePodCheck({
  id: 'ipam-conflict',
  topic: 'cni',
  severity: 'high',
  title: 'IPAM store and pod agree on the address',
  failureTitle: "IPAM assigns the pod's address to another container",
  why:
    "When the other container's entry is removed, the pod's address becomes free while it is in use. " +
    'The next pod that gets it breaks both.',
  needs: ['ipam', 'podNetworks'],
  judge(network, { ipam, podNetworks }) {
    const compared = comparedAllocations(network, ipam);
    if (typeof compared === 'string' || 'unknown' in compared) return compared;
    const { store, addresses } = compared;
    const own = store.allocations.filter(({ containerId }) => containerId === network.sandbox.id);
    for (const address of addresses) {
      const entries = store.allocations.filter((each) => sameAddress(each.address, address));
      if (entries.some(({ containerId }) => containerId === network.sandbox.id)) continue;
      // A half-written entry names no pod: it is left to ipam-corrupt.
      const other = entries.find((entry) => !isHalfWritten(entry));
      if (other !== undefined) {
        const twin = podNetworks.find(({ sandbox }) => sandbox.id === other.containerId);
        if (twin !== undefined && addressesInUse(twin).some((each) => sameAddress(each, address))) {
          return 'another pod has the same address: see pod-address-duplicate';
        }
      }
      const instead = own.find((each) => familyOf(each.address) === familyOf(address));
      if (other === undefined && (instead === undefined || entries.length > 0)) continue;
      const actual =
        other === undefined
          ? `no entry; the pod's sandbox has ${quote(instead?.address ?? '', 50)}`
          : quote(other.containerId, 80);
      return {
        detail:
          other === undefined
            ? `The pod uses ${address}, but the IPAM store gave its sandbox ${quote(instead?.address ?? '', 50)}.`
            : `The pod uses ${address}, but the IPAM store says that container ${quote(other.containerId, 80)} has it.`,
        confidence: 'confirmed',
        evidence: [
          { what: `entry of ${address}`, expected: network.sandbox.id, actual, source: store.path },
          {
            what: 'address of the pod',
            actual: address,
            source: 'API: pod.status.podIPs, and its CNI result or namespace',
          },
        ],
        remedy: recreatePod(network.pod),
      };
    }
    return 'pass';
  },
});
