import { asksForNetworks, secondaryNetworks } from '../../computed/pods/secondary-networks.ts';
import { networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { quote } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** After a reboot the runtime may start pods before Multus has put its configuration first (multus-cni#1387). */
export const podSecondaryInterfaceMissing = definePodCheck({
  id: 'pod-secondary-interface-missing',
  topic: 'interfaces',
  severity: 'high',
  title: 'The pod has its secondary interfaces',
  failureTitle: 'Pod lacks a secondary interface it requested',
  why:
    'Pods that ask for further networks (storage, telecom, SR-IOV) start without them if Multus is not ' +
    'ready, and nothing else reports it.',
  needs: ['podNetworks'],
  unless: [asksForNothing, networkElsewhere, 'namespace unread'],
  judge(network) {
    const { pod, stack } = network;
    const wanted = secondaryNetworks(pod);
    const present = stack.links.map((link) => link.name);
    const found = {
      what: 'interfaces in the namespace',
      actual: present.join(', '),
      source: `ip link (netns ${network.namespace})`,
    };
    if (wanted === null) {
      return {
        detail:
          `The pod asks for ${quote(pod.annotations['k8s.v1.cni.cncf.io/networks'] ?? '')}, and Multus wrote ` +
          'no network status: it was not asked when the pod was attached.',
        confidence: 'probable',
        evidence: [
          {
            what: 'network-status',
            expected: 'one entry for each network',
            actual: 'none',
            source: 'API: annotations k8s.v1.cni.cncf.io/network-status',
          },
          found,
        ],
        remedy: recreatePod(pod),
      };
    }
    const missing = wanted.filter((one) => !present.includes(one.interface));
    if (missing.length === 0) return 'pass';
    return {
      detail: `The pod's namespace lacks ${missing.map((one) => `${quote(one.interface, 20)} (network ${quote(one.name)})`).join(', ')}.`,
      confidence: 'confirmed',
      evidence: [
        { ...found, expected: wanted.map((one) => quote(one.interface, 20)).join(', ') },
        {
          what: 'network-status',
          actual: wanted.map((one) => quote(one.name)).join(', '),
          source: 'API: annotations k8s.v1.cni.cncf.io/network-status',
        },
      ],
      remedy: recreatePod(pod),
    };
  },
});

function asksForNothing({ pod }: PodNetwork): string | null {
  return asksForNetworks(pod) ? null : 'the pod asks for no further network';
}
