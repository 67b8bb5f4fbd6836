import { comparedAllocations } from '../../computed/addresses/allocations.ts';
import { familyOf, sameAddress } from '../../computed/cidr.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The pod itself works; when another pod gets the address, both break (amazon-vpc-cni-k8s#3019). */
export const ipamUnrecorded = definePodCheck({
  id: 'ipam-unrecorded',
  topic: 'cni',
  severity: 'high',
  title: "The pod's address is taken in the IPAM store",
  failureTitle: 'Pod uses an address that IPAM considers free',
  why:
    'The IPAM will give the address to another pod. From then on two pods have the same address, and ' +
    'traffic reaches one or the other by chance.',
  needs: ['ipam', 'podNetworks'],
  judge(network, { ipam }) {
    const compared = comparedAllocations(network, ipam);
    if (typeof compared === 'string' || 'unknown' in compared) return compared;
    const { store, addresses } = compared;
    const own = store.allocations.filter(({ containerId }) => containerId === network.sandbox.id);
    const missing = addresses.filter(
      (address) =>
        !store.allocations.some((allocation) => sameAddress(allocation.address, address)) &&
        // The sandbox reserved a different address: that is ipam-conflict.
        !own.some((allocation) => familyOf(allocation.address) === familyOf(address)),
    );
    if (missing.length === 0) return 'pass';
    return {
      detail: `${missing.join(', ')} is in use by the pod, and is free in the IPAM store ${store.path}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: 'address of the pod',
          actual: missing.join(', '),
          source: 'API: pod.status.podIPs, and its CNI result or namespace',
        },
        {
          what: 'entry of the address',
          expected: `taken by ${network.sandbox.id}`,
          actual: 'none',
          source: store.path,
        },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});
