import { layoutOf } from '../../computed/layouts.ts';
import { lostAddresses, mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/**
 * Only the pod's own end: if the node's end is down, the pair has no carrier either, and veth-host-side-down
 * reports it.
 */
export const podInterfaceDown = definePodCheck({
  id: 'pod-interface-down',
  topic: 'interfaces',
  severity: 'critical',
  title: "The pod's interface is up",
  failureTitle: "Pod's network interface is down",
  why:
    'A pod whose interface is down keeps its address but loses its routes: nothing gets in or out, ' +
    'while Kubernetes shows it Running until a probe over the network fails.',
  needs: ['podNetworks'],
  unless: [networkElsewhere],
  judge(network) {
    const { link, hostLink } = network;
    if (link === null) return 'the pod has no such interface: see pod-interface-missing';
    if (hostLink !== null && !hostLink.up) return "the node's end is down: see veth-host-side-down";
    const peerLost = link.peer?.status === 'missing' || link.peer?.status === 'mismatched';
    // No CNI plugin creates such a veth: neither the pod's address nor its gateway's can be resolved.
    const mute = link.kind === 'veth' && !link.arp;
    const dark = !link.carrier && !peerLost;
    const bridge = takenBy(network);
    if (link.up && !dark && !mute && bridge === null) return 'pass';
    const state = !link.up
      ? 'down'
      : dark
        ? 'up, but without carrier'
        : mute
          ? 'up, but does no ARP'
          : `a port of ${bridge}, which has no address and gets what is for ${link.name}`;
    return {
      detail: `${link.name} in the pod's namespace is ${state} (state ${link.operState}).`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `flags of ${link.name}`,
          expected: 'UP, LOWER_UP',
          actual: [
            link.up ? 'UP' : 'not UP',
            link.carrier ? 'LOWER_UP' : 'no carrier',
            ...(mute ? ['NOARP'] : []),
            ...(bridge === null ? [] : [`port of ${bridge}`]),
          ].join(', '),
          source: `ip link (netns ${network.namespace})`,
        },
        ...(hostLink === null
          ? []
          : [
              {
                what: `state of the node's end ${hostLink.name}`,
                expected: 'UP',
                actual: hostLink.operState,
                source: 'ip link (node)',
              },
            ]),
      ],
      remedy: recreatePod(network.pod),
    };
  },
});

/**
 * The bridge inside the pod that gets all frames of the interface, though the interface kept the address: no answer to
 * its ARP requests reaches it. Null where the pod asks for no MAC address, or where a container may have built it.
 */
function takenBy(network: PodNetwork): string | null {
  const { pod, stack, link } = network;
  const layout = layoutOf(network);
  const bridge = stack?.links.find(({ name, kind }) => name === link?.master && kind === 'bridge');
  if (stack === null || bridge === undefined || pod.containers.some(mayChangeNetwork)) return null;
  if (typeof layout === 'string' || layout.gatewayNeighbour === 'permanent') return null;
  const isOwn =
    lostAddresses(network).length === 0 &&
    stack.addresses.every(({ link: on, scope }) => on !== bridge.name || scope === 'link');
  return isOwn ? bridge.name : null;
}
