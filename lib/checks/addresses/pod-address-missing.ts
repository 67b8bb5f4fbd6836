import { addressRows, lostOf } from '../../computed/addresses/lost-addresses.ts';
import { mainAddresses } from '../../computed/preconditions.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** `ip addr flush` also removes the routes, so missing routes are part of this finding. */
export const podAddressMissing = definePodCheck({
  id: 'pod-address-missing',
  topic: 'addresses',
  severity: 'critical',
  title: 'The pod holds its address',
  failureTitle: 'Pod has lost its address',
  why:
    'Without the address the pod answers nobody and reaches nobody, while Kubernetes still shows it ' +
    'and Services keep sending traffic there.',
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network, { podNetworks }) {
    const { pod } = network;
    // containerd#7843: the runtime reports READY without an address, and the kubelet keeps creating
    // sandboxes.
    if (pod.podIPs.length === 0 && pod.containers.some((container) => container.running)) {
      return {
        detail: `The API shows no address for the running pod; its interface holds ${
          mainAddresses(network)
            .map(({ address }) => address)
            .join(', ') || 'none'
        }.`,
        confidence: 'confirmed',
        evidence: [...addressRows(network)],
        remedy: recreatePod(pod),
      };
    }
    const lost = lostOf(network, podNetworks);
    if (typeof lost === 'string') return lost;
    const missing = lost.filter(({ instead }) => instead.length === 0).map(({ address }) => address);
    if (missing.length === 0) {
      return lost.length === 0
        ? 'pass'
        : 'the interface holds another address instead: see pod-address-mismatch';
    }
    return {
      detail:
        `${network.interface} does not hold ${missing.join(', ')}, which Kubernetes still shows, nor ` +
        `another address in ${missing.length === 1 ? 'its' : 'their'} place.`,
      confidence: 'confirmed',
      evidence: addressRows(network),
      remedy: recreatePod(network.pod),
    };
  },
});
