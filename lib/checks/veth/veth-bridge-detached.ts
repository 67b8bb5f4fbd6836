import { layoutOf } from '../../computed/layouts.ts';
import { linkFault } from '../../computed/preconditions.ts';
import { podEnd } from '../../computed/routes/attached-by-pair.ts';
import { brokenBridges, expectedBridge } from '../../computed/routes/bridges.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Link } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

/** Port states that forward nothing and do not end by themselves. */
const BLOCKED = ['disabled', 'blocking'];
/** They end with the spanning tree protocol's timers, which only run if the bridge uses it. */
const PASSING = ['listening', 'learning'];

export const vethBridgeDetached = definePodCheck({
  id: 'veth-bridge-detached',
  topic: 'veth',
  severity: 'critical',
  title: "The node's end is a forwarding port of the bridge",
  failureTitle: "Pod's link is not on its bridge",
  why:
    "The bridge is the pod's only way out. If the port is detached, on another bridge, or blocked, the " +
    'pod is cut off, although every address and route is right.',
  needs: ['podNetworks', 'hostNetwork'],
  facts: ({ podNetworks, hostNetwork }) => ({ broken: brokenBridges(podNetworks, hostNetwork) }),
  judge(network, { hostNetwork, broken }, { node }) {
    const link = podEnd(network);
    if (typeof link === 'string') return link;
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    if (layout.hostRoute !== 'subnet') return `${network.plugin} uses no bridge`;
    const { hostLink } = network;
    const fault = linkFault(network);
    if (fault !== null || hostLink === null) return fault ?? "the node's end was not found";
    if (broken.some(({ pods }) => pods.includes(network)))
      return 'the bridge itself is down or gone: see node-bridge-broken';
    const bridge = expectedBridge(network);
    const wrongBridge = hostLink.master === null || (bridge !== null && hostLink.master !== bridge);
    const stp = hostNetwork.links.find(({ name }) => name === hostLink.master)?.stp ?? null;
    const lasting = stp === false ? [...BLOCKED, ...PASSING] : BLOCKED;
    const blocked =
      !wrongBridge && link.carrier && hostLink.portState !== null && lasting.includes(hostLink.portState);
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
        {
          what: 'bridge when the pod was created',
          actual: bridge ?? 'not recorded',
          source: 'CNI result cache',
        },
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
          : blocked
            ? [unblock(hostLink, stp === true, node)]
            : recreatePod(network.pod),
      // One that is on another bridge may have been put there.
      ...(hostLink.master === null && exists && bridge !== null
        ? restore(network, { what: 'bridge-port', link: hostEnd(hostLink), bridge })
        : {}),
    };
  },
});

/** The kernel sets no state by hand while its protocol does; without the protocol all ports of the bridge forward. */
function unblock({ name, master }: Pick<Link, 'name' | 'master'>, stp: boolean, node: string): RemedyStep {
  return stp
    ? repairOnNode(
        node,
        'turn off the spanning tree protocol, which no CNI plugin turns on: all ports of the bridge forward again.',
        command('ip', 'link', 'set', master ?? '', 'type', 'bridge', 'stp_state', '0'),
      )
    : repairOnNode(
        node,
        'let the port forward again; the pod keeps running.',
        command('bridge', 'link', 'set', 'dev', name, 'state', '3'),
      );
}
