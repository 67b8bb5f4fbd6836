import { podEnd } from '../../computed/attached-by-pair.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { linkFault } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

/** Port states that forward nothing and do not end by themselves; listening and learning end. */
const BLOCKED = ['disabled', 'blocking'];

export const vethBridgeDetached = definePodCheck({
  id: 'veth-bridge-detached',
  topic: 'veth',
  severity: 'high',
  title: "The node's end is a forwarding port of the bridge",
  failureTitle: "Pod's link is not on its bridge",
  why:
    'Behind a bridge plugin the bridge is the pod’s only way out. A port that is off it, or on another ' +
    'one, cuts the pod off although every address and route is right.',
  needs: ['podNetworks', 'hostNetwork'],
  judge(network, { hostNetwork }, { node }) {
    const link = podEnd(network);
    if (typeof link === 'string') return link;
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    if (layout.hostRoute !== 'subnet') return `${network.plugin} uses no bridge`;
    const { hostLink } = network;
    const fault = linkFault(network);
    if (fault !== null || hostLink === null) return fault ?? "the node's end was not found";
    const bridge = expectedBridge(network);
    const wrongBridge = hostLink.master === null || (bridge !== null && hostLink.master !== bridge);
    const blocked =
      !wrongBridge && link.carrier && hostLink.portState !== null && BLOCKED.includes(hostLink.portState);
    const port = hostNetwork.links.find((each) => each.name === hostLink.master);
    if (!wrongBridge && port !== undefined && !port.up) {
      return {
        detail: `${hostLink.name} is on ${port.name}, and that bridge is down.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: `state of ${port.name}`,
            expected: 'UP',
            actual: port.operState,
            source: 'ip link (node)',
          },
        ],
        remedy: [
          repairOnNode(
            node,
            'set the bridge up; the pods go on running.',
            command('ip', 'link', 'set', port.name, 'up'),
          ),
        ],
      };
    }
    if (!wrongBridge && !blocked) return 'pass';
    const exists = bridge !== null && hostNetwork.links.some((each) => each.name === bridge);
    return {
      detail: blocked
        ? `${hostLink.name} is a port of ${hostLink.master}, in state ${hostLink.portState}.`
        : `${hostLink.name} is ${hostLink.master === null ? 'on no bridge' : `on ${hostLink.master}`}; it ` +
          `belongs on ${bridge ?? 'one'}${bridge !== null && !exists ? ', which does not exist' : ''}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `bridge of ${hostLink.name}`,
          expected: bridge ?? 'a bridge',
          actual: hostLink.master ?? 'none',
          source: 'ip -d link (node)',
        },
        ...(blocked
          ? [
              {
                what: 'state of the port',
                expected: 'forwarding',
                actual: hostLink.portState ?? '',
                source: 'ip -d link (node)',
              },
            ]
          : []),
        { what: 'bridge at ADD', actual: bridge ?? 'not recorded', source: 'CNI result cache' },
      ],
      remedy:
        wrongBridge && exists && bridge !== null
          ? [
              repairOnNode(
                node,
                `put it back on ${bridge}; the pod keeps running.`,
                command('ip', 'link', 'set', hostLink.name, 'master', bridge, 'up'),
              ),
              // A port loses this setting with its bridge.
              repairOnNode(
                node,
                'where the CNI configuration says hairpinMode, let the pod reach itself through a Service again.',
                `! grep -qs '"hairpinMode": *true' /etc/cni/net.d/* || ` +
                  `${command('ip', 'link', 'set', hostLink.name, 'type', 'bridge_slave', 'hairpin', 'on')}`,
              ),
            ]
          : recreatePod(network.pod),
      // One that is on another bridge may have been put there.
      ...(hostLink.master === null && exists && bridge !== null
        ? restore(network, { what: 'bridge-port', link: hostEnd(hostLink), bridge })
        : {}),
    };
  },
});

/** The bridge in the plugin's result: the first interface on the node that is not part of the pod's pair. */
function expectedBridge(network: PodNetwork): string | null {
  const named = network.results[0]?.interfaces.find(
    (each) => !each.inPod && each.name !== network.hostLink?.name && !/^veth/.test(each.name),
  );
  return named?.name ?? null;
}
