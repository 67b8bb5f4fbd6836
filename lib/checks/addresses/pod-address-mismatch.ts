import { addressRows, lostOf } from '../../computed/addresses/lost-addresses.ts';
import { familyOf, sameAddress } from '../../computed/cidr.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Kernel and API disagree; the CNI result says which of them is wrong (kubernetes#69925, amazon-vpc-cni-k8s#2352). */
export const podAddressMismatch = definePodCheck({
  id: 'pod-address-mismatch',
  topic: 'addresses',
  severity: 'critical',
  title: 'The pod holds the address that the API shows',
  failureTitle: "Pod's address differs from the API",
  why:
    "Services, DNS and network policies use the API's address: traffic for the pod goes nowhere or to " +
    "another pod, and the pod's own traffic comes from an address that may be another's.",
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network, { podNetworks }) {
    const lost = lostOf(network, podNetworks);
    if (typeof lost === 'string') return lost;
    const replaced = lost.filter(({ instead }) => instead.length > 0);
    if (replaced.length === 0) {
      return lost.length === 0 ? 'pass' : 'the interface has no such address at all: see pod-address-missing';
    }
    const given = (network.results[0]?.addresses ?? []).map(({ address }) => address);
    const said = replaced.map(({ address, instead }) => {
      const held = instead.map((each) => each.address);
      const wrong = given.some((one) => sameAddress(one, address))
        ? ' The CNI plugin set up what the API shows: somebody changed it since.'
        : given.some((one) => held.some((each) => sameAddress(one, each)))
          ? ' The CNI plugin set up what the interface holds: the API is wrong.'
          : '';
      return (
        `${network.interface} holds ${held.join(', ')}, but the IPv${familyOf(address)} address of the pod ` +
        `in the API is ${address}.${wrong}`
      );
    });
    return {
      detail: said.join(' '),
      confidence: 'confirmed',
      evidence: addressRows(network),
      remedy: recreatePod(network.pod),
    };
  },
});
