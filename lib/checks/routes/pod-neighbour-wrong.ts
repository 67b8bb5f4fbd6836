import { addressKey, contains } from '../../computed/cidr.ts';
import { linkFault, mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { mostSpecific } from '../../computed/routes/routing-decision.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, namespaceOf, restore } from '../remedies/restore.ts';
import { command, recreatePod, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/** Only permanent entries: the kernel corrects all others by itself, and nothing corrects these. */
export const podNeighbourWrong = definePodCheck({
  id: 'pod-neighbour-wrong',
  topic: 'routes',
  severity: 'high',
  title: "The pod's permanent entries for other pods have their MAC addresses",
  failureTitle: "Pod's entry for another pod is wrong",
  why:
    'What the pod sends to the other one goes to a MAC address that it does not have, for good. Everything else ' +
    'works, and so does the other pod for everybody else.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere, linkFault],
  facts: ({ podNetworks }) => ({
    byAddress: new Map(
      podNetworks.flatMap((network) =>
        network.link?.mac == null || linkFault(network) !== null
          ? []
          : mainAddresses(network).map(({ address }) => [addressKey(address), network] as const),
      ),
    ),
  }),
  judge(network, { byAddress }, { node }) {
    const wrong = network.stack.neighbours.flatMap(({ link, destination, mac, states }) => {
      const other = byAddress.get(addressKey(destination));
      const right = other?.link?.mac ?? null;
      const counts = link === network.interface && mac !== null && states.includes('PERMANENT');
      if (!counts || other === undefined || other === network || right === null) return [];
      return mac === right || !isOnLink(network, destination) ? [] : [{ destination, mac, right, other }];
    });
    if (wrong.length === 0) return 'pass';
    // A container may have written one itself; that of an init container stays when it ends.
    const own = network.pod.containers.some(({ netAdmin }) => netAdmin);
    const path = network.sandbox.namespacePath;
    return {
      detail: `The pod has permanent entries with wrong MAC addresses: ${listed(
        wrong.map(
          ({ destination, mac, right, other }) =>
            `${destination} (${namespacedName(other.pod)}) with ${mac} instead of ${right}`,
        ),
        5,
      )}.`,
      confidence: own ? 'probable' : 'confirmed',
      evidence: rowsOf(wrong, SHOWN, ({ destination, mac, right, other }) => ({
        what: `neighbour entry of ${destination}, the address of ${namespacedName(other.pod)}`,
        expected: `${right}, or none`,
        actual: `${mac} PERMANENT`,
        source: `ip neigh (netns ${network.namespace}); ip link (netns ${other.namespace})`,
      })),
      remedy:
        path === null
          ? recreatePod(network.pod)
          : [
              ...wrong
                .slice(0, SHOWN)
                .map(({ destination }) =>
                  repairOnNode(
                    node,
                    'delete the entry: the kernel then asks for the MAC address. The pod keeps running.',
                    command(
                      ...['nsenter', `--net=${path}`, 'ip', 'neigh', 'del', destination],
                      ...['dev', network.interface],
                    ),
                  ),
                ),
              ...(wrong.length > SHOWN
                ? [repair(`Likewise the other ${wrong.length - SHOWN}: the next audit names them.`)]
                : []),
            ],
      ...(own
        ? {}
        : restore(
            network,
            ...wrong.slice(0, SHOWN).map(
              ({ destination, mac, other }) =>
                ({
                  what: 'pod-neighbour',
                  link: hostEnd(network.hostLink),
                  inPod: network.interface,
                  address: destination,
                  mac,
                  other: namespaceOf(other),
                }) as const,
            ),
          )),
    };
  },
});

/** By the longest of its routes the pod sends there itself, and not to its gateway. */
function isOnLink({ stack, interface: name }: PodNetwork, address: string): boolean {
  const route = mostSpecific(
    (stack?.routes ?? []).filter(
      ({ table, type, destination }) =>
        table === 'main' && type === 'unicast' && contains(destination, address),
    ),
  );
  return route?.gateway === null && route.link === name;
}
