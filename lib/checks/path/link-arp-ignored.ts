import { leavesUnanswered } from '../../computed/addresses/arp.ts';
import { mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/** Guides for load balancers set arp_ignore on all links. */
export const linkArpIgnored = definePodCheck({
  id: 'link-arp-ignored',
  topic: 'path',
  severity: 'high',
  title: 'Pods answer ARP requests for their addresses',
  failureTitle: 'Pod does not answer ARP requests',
  why:
    "When the neighbour entries of the others expire, nobody finds the pod's MAC address any more: what " +
    'worked stops within minutes, and new connections fail first.',
  needs: ['podNetworks'],
  unless: [networkElsewhere],
  judge(network, _sources, { node }) {
    const { pod, link, namespace } = network;
    if (link === null || link.arpIgnore == null) return 'the settings of the link were not read';
    // Without a subnet nobody asks from the same one.
    const alone = mainAddresses(network).some(
      ({ family, prefixLength }) => family === 4 && prefixLength === 32,
    );
    if (!leavesUnanswered(link.arpIgnore, { sameSubnet: !alone })) return 'pass';
    const setting = `net.ipv4.conf.${link.name.replaceAll('.', '/')}.arp_ignore`;
    return {
      detail: `${link.name} of the pod does not answer ARP requests: ${setting} is ${link.arpIgnore}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: setting,
          expected: '0 or 1',
          actual: String(link.arpIgnore),
          source: `sysctl ${setting} (netns ${namespace})`,
        },
      ],
      // The setting may be one that the pod's own specification asks for.
      remedy: [
        lookOnNode(
          node,
          'check whether the CNI plugin tuning sets it; the securityContext of the pod may as well (sysctls).',
          'grep -rn arp_ignore /etc/cni/net.d',
        ),
        ...recreatePod(pod),
      ],
    };
  },
});
