import { mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link } from '../../model/network.ts';
import { type CheckContext, defineCheck, fail, notApplicable, pass, podObject } from '../define.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/**
 * arp_ignore 1 and 2 answer for the link's own addresses, 2 only those that ask from the same subnet; from 3 on it depends on the
 * address, and 8 answers nobody (Documentation/networking/ip-sysctl.rst). Guides for load balancers set it on all links.
 */
export const linkArpIgnored = defineCheck({
  id: 'link-arp-ignored',
  topic: 'path',
  severity: 'high',
  title: 'Pods answer ARP requests for their addresses',
  failureTitle: 'Pod does not answer ARP requests',
  why: 'Nobody finds the MAC address of the link once the entries of those who know it have expired: what worked stops within minutes, and new connections fail first.',
  needs: ['podNetworks'],
  run({ podNetworks }, context) {
    return podNetworks.map((network) => ofPod(network, context));
  },
});

const setting = (link: string): string => `net.ipv4.conf.${link.replaceAll('.', '/')}.arp_ignore`;

const evidenceOf = ({ name, arpIgnore }: Link, where: string) => [
  {
    what: setting(name),
    expected: '0 or 1',
    actual: String(arpIgnore),
    source: `sysctl ${setting(name)} (${where})`,
  },
];

function ofPod(network: PodNetwork, { node }: CheckContext) {
  const { pod, link, namespace } = network;
  const object = podObject(pod, node);
  const elsewhere = networkElsewhere(network);
  if (elsewhere !== null) return notApplicable(object, elsewhere);
  if (link === null || link.arpIgnore == null)
    return notApplicable(object, 'the settings of the link were not read');
  // Without a subnet nobody asks from the same one.
  const alone = mainAddresses(network).some(
    ({ family, prefixLength }) => family === 4 && prefixLength === 32,
  );
  if (link.arpIgnore < (alone ? 2 : 3)) return pass(object);
  return fail(object, {
    detail: `${link.name} of the pod does not answer ARP requests: ${setting(link.name)} is ${link.arpIgnore}.`,
    confidence: 'confirmed',
    evidence: evidenceOf(link, `netns ${namespace}`),
    // The setting may be one that the pod's own specification asks for.
    remedy: [
      lookOnNode(
        node,
        'see whether the CNI plugin tuning sets it; the securityContext of the pod may as well (sysctls).',
        'grep -rn arp_ignore /etc/cni/net.d',
      ),
      ...recreatePod(pod),
    ],
  });
}
