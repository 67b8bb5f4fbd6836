import { familyOf, sameAddress } from '../../computed/cidr.ts';
import { addressRows, lostOf } from '../../computed/lost-addresses.ts';
import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Kernel and API disagree; the CNI result says which of them is wrong (kubernetes#69925, amazon-vpc-cni-k8s#2352). */
export const podAddressMismatch = defineCheck({
  id: 'pod-address-mismatch',
  topic: 'addresses',
  severity: 'critical',
  title: 'The pod holds the address that the API shows',
  failureTitle: 'Pod has another address than the API shows',
  why: "Services, DNS and network policies go by the API's address: traffic for the pod ends nowhere or at another pod, and what the pod sends comes from an address that may be another's.",
  needs: ['podNetworks'],
  run({ podNetworks }, { node }) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, node);
      if (network.stack === null) return unknown(object, 'the namespace of the pod could not be read');
      const lost = lostOf(network, podNetworks);
      if (typeof lost === 'string') return notApplicable(object, lost);
      const replaced = lost.filter(({ instead }) => instead.length > 0);
      if (replaced.length === 0) {
        return lost.length === 0
          ? pass(object)
          : notApplicable(object, 'the interface has no such address at all: see pod-address-missing');
      }
      const given = (network.results[0]?.addresses ?? []).map(({ address }) => address);
      const said = replaced.map(({ address, instead }) => {
        const held = instead.map((each) => each.address);
        const wrong = given.some((one) => sameAddress(one, address))
          ? ' The CNI plugin set up what the API shows: somebody changed it since.'
          : given.some((one) => held.some((each) => sameAddress(one, each)))
            ? ' The CNI plugin set up what the interface holds: the API is wrong.'
            : '';
        return `${network.interface} holds ${held.join(', ')}, but the IPv${familyOf(address)} address of the pod in the API is ${address}.${wrong}`;
      });
      return fail(object, {
        detail: said.join(' '),
        confidence: 'confirmed',
        evidence: addressRows(network),
        remedy: recreatePod(network.pod),
      });
    });
  },
});
