import { wayIn } from '../../computed/path/way-in.ts';
import type { ForwardingEntry } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

/** A bridge corrects an entry with the pod's next frame, unless the entry is permanent or sticky. */
export const bridgeEntryWrong = definePodCheck({
  id: 'bridge-entry-wrong',
  topic: 'path',
  severity: 'critical',
  title: "The bridge sends the pod's frames to the pod's port",
  failureTitle: 'Bridge sends pod frames to the wrong port',
  why:
    'Nothing that is sent to the pod arrives, whether from its node or elsewhere, while link, ' +
    'addresses, routes and neighbours all look right.',
  needs: ['podNetworks', 'forwarding'],
  facts({ forwarding }) {
    const byMac = Map.groupBy(forwarding, ({ mac }) => mac);
    return { byMac };
  },
  judge(network, { byMac }, { node }) {
    const way = wayIn(network);
    if (typeof way === 'string') return way;
    const { layout, link: bridge, mac } = way;
    const { hostLink } = network;
    if (layout.gatewayMac !== 'bridge' || hostLink === null) return `${network.plugin} uses no bridge`;
    const wrong = (byMac.get(mac) ?? []).filter(
      (entry) => entry.bridge === bridge && entry.link !== hostLink.name && entry.fixed,
    );
    const [first] = wrong;
    if (first === undefined) return 'pass';
    return {
      detail:
        `An entry of ${bridge} that the pod's frames do not move sends what is for ${mac} to ` +
        `${first.link}; the pod is behind ${hostLink.name}.`,
      confidence: 'confirmed',
      evidence: wrong.map((entry) => ({
        what: `forwarding entry of ${bridge} for ${mac}`,
        expected: hostLink.name,
        actual: entry.link,
        source: lookOf(bridge, entry),
      })),
      remedy: [
        lookOnNode(node, 'look at the entries.', `bridge fdb show br ${command(bridge)} | grep -F ${mac}`),
        ...wrong.map(({ link }) =>
          repairOnNode(
            node,
            'remove it; the bridge learns the port from the next frame of the pod.',
            command('bridge', 'fdb', 'del', mac, 'dev', link, 'master'),
          ),
        ),
      ],
    };
  },
});

const lookOf = (bridge: string, { mac }: ForwardingEntry): string =>
  `bridge fdb show br ${bridge} | grep ${mac} (node)`;
