import { type WayIn, wayIn } from '../../computed/path/way-in.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * A bridge learns one port for each MAC address, so two pods with the same one take turns (weave#2433,
 * cni-ipvlan-vpc-k8s#70).
 */
export const podMacDuplicate = definePodCheck({
  id: 'pod-mac-duplicate',
  topic: 'path',
  severity: 'high',
  title: 'No other port of the bridge has the MAC address of the pod',
  failureTitle: "Pod has another pod's MAC address",
  why:
    'The bridge sends frames for the address to whichever of the two pods sent last: most requests to ' +
    'both fail, and which ones fail changes from moment to moment.',
  needs: ['podNetworks', 'hostNetwork'],
  facts({ podNetworks, hostNetwork }) {
    const onBridge = podNetworks.flatMap((network) => {
      const port = portOf(network);
      return typeof port === 'string' ? [] : [{ network, ...port }];
    });
    const byMac = Map.groupBy(onBridge, ({ link, mac }) => `${link} ${mac}`);
    const bridges = new Map(hostNetwork.links.map(({ name, mac }) => [name, mac?.toLowerCase() ?? null]));
    return { byMac, bridges };
  },
  judge(network, { byMac, bridges }) {
    const port = portOf(network);
    if (typeof port === 'string') return port;
    const { link: bridge, mac } = port;
    const others = (byMac.get(`${bridge} ${mac}`) ?? [])
      .map((each) => each.network)
      .filter((other) => other !== network);
    const ofBridge = bridges.get(bridge) === mac;
    if (others.length === 0 && !ofBridge) return 'pass';
    const given = givenMac(network);
    // The pod whose MAC address differs from the one its plugin gave it is at fault; the other needs no
    // repair.
    const taken = given !== null && given !== mac;
    const taker = others.find((other) => {
      const own = givenMac(other);
      return own !== null && own !== mac;
    });
    if (!taken && taker !== undefined && !ofBridge) {
      return `${namespacedName(taker.pod)} took its MAC address: see pod-mac-duplicate of that pod`;
    }
    const names = [
      ...others.map(({ pod }) => `pod ${namespacedName(pod)} on the bridge ${bridge}`),
      ...(ofBridge ? [`the bridge ${bridge} itself`] : []),
    ];
    return {
      detail: `${network.interface} has the MAC address ${mac}, like ${listed(names)}.`,
      confidence: taken ? 'confirmed' : 'probable',
      evidence: [
        {
          what: `MAC address of ${network.interface}`,
          ...(given === null ? {} : { expected: given }),
          actual: mac,
          source: `ip link (netns ${network.namespace})${given === null ? '' : '; expected: CNI result cache'}`,
        },
        {
          what: `others with ${mac}`,
          expected: 'none',
          actual: listed(names),
          source: 'ip link (node and pods)',
        },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});

/** The bridge and the pod's MAC address on it, or why there is nothing to compare. */
function portOf(network: PodNetwork): WayIn | string {
  const way = wayIn(network);
  return typeof way !== 'string' && way.layout.gatewayMac !== 'bridge'
    ? 'every pod has its own link to the node, and no bridge'
    : way;
}

/** The MAC address that the CNI plugin gave the pod's interface; null where its result names none. */
function givenMac(network: PodNetwork): string | null {
  const result = network.results.find((entry) => entry.interface === network.interface);
  const found = result?.interfaces.find(({ inPod, name }) => inPod && name === network.interface);
  return found?.mac?.toLowerCase() ?? null;
}
