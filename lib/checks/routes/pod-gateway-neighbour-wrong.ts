import { sameAddress } from '../../computed/cidr.ts';
import { layoutOf } from '../../computed/layouts.ts';
import {
  linkFault,
  mainAddresses,
  mayChangeNetwork,
  networkElsewhere,
} from '../../computed/preconditions.ts';
import { ON_NO_BRIDGE } from '../../computed/routes/bridges.ts';
import { holdersOf } from '../../computed/routes/foreign-addresses.ts';
import { defaultRouteOf, expectedGateway, type Family } from '../../computed/routes/gateway.ts';
import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link, Neighbour, NetworkStack } from '../../model/network.ts';
import { podAddressForeign } from '../addresses/pod-address-foreign.ts';
import { definePodCheck, see } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { lookOnNode, recreatePod } from '../remedies/steps.ts';

/** States in which the kernel sends without verifying the MAC address; a STALE entry is verified on its next use. */
const TRUSTED: readonly string[] = ['PERMANENT', 'NOARP', 'REACHABLE', 'DELAY', 'PROBE'];

/** Links, addresses and routes all look perfect (amazon-vpc-cni-k8s#2103, flatcar#278). */
export const podGatewayNeighbourWrong = definePodCheck({
  id: 'pod-gateway-neighbour-wrong',
  topic: 'routes',
  severity: 'critical',
  title: "The pod's gateway entry has the MAC address of the node's link",
  failureTitle: 'Pod has a wrong gateway MAC address',
  why:
    'The pod sends every packet that leaves its subnet to a MAC address that nobody has. Interface, ' +
    'address and routes look right, and restarting the container does not help. Often udev changed the ' +
    "MAC address of the node's link.",
  needs: ['podNetworks', 'hostNetwork'],
  unless: ['namespace unread', networkElsewhere, linkFault],
  judge(network, { hostNetwork, podNetworks }, { node }) {
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    const judged = ([4, 6] as const)
      .filter((family) => mainAddresses(network).some((address) => address.family === family))
      .map((family) => judgeFamily(network, layout, family, hostNetwork));
    const wrong = judged.find((one) => typeof one === 'object');
    if (wrong === undefined) {
      const said = judged.filter((one) => typeof one === 'string');
      return said.find((one) => one === 'pass') ?? said[0] ?? 'the pod has no address on its interface';
    }
    const { gateway, entry, owner, expected } = wrong;
    const right = isRight(entry, expected);
    // The pod learned it from a pod that answers for the gateway.
    const answers =
      entry?.mac != null && holdersOf(gateway, podNetworks).some(({ link }) => link?.mac === entry.mac);
    if (answers && !entry?.states.includes('PERMANENT'))
      return see(podAddressForeign, `another pod answers for the gateway ${gateway}`);
    const written = layout.gatewayNeighbour === 'permanent';
    const shown = entry === undefined ? 'no entry' : entryText(entry);
    return {
      detail: `For its gateway ${gateway} the pod has ${shown}; ${owner.name} on the node has ${expected[0]}${
        written ? ', and the entry must be permanent, as nobody answers for it' : ''
      }.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `neighbour entry of ${gateway}`,
          expected: `${expected[0]}${written ? ' PERMANENT' : ''}`,
          actual: shown,
          source: `ip neigh (netns ${network.namespace})`,
        },
        { what: `MAC address of ${owner.name}`, actual: expected[0] ?? '', source: 'ip link (node)' },
      ],
      remedy: [
        ...recreatePod(network.pod),
        lookOnNode(
          node,
          'if it comes back, udev rewrites the MAC addresses of new links: MACAddressPolicy must not be persistent for them.',
          'grep -rs MACAddressPolicy /etc/systemd/network /run/systemd/network /usr/lib/systemd/network',
        ),
      ],
      // A learned entry cannot be made again, and a pod may have written one itself.
      ...((entry === undefined || (!right && entry.states.includes('PERMANENT'))) &&
      !network.pod.containers.some(mayChangeNetwork)
        ? restore(network, {
            what: 'gateway-neighbour',
            link: hostEnd(network.hostLink),
            inPod: network.interface,
            gateway,
            mac: entry === undefined ? null : (entry.mac?.toLowerCase() ?? ''),
            written,
          })
        : {}),
    };
  },
});

type Wrong = {
  readonly gateway: string;
  readonly entry: Neighbour | undefined;
  readonly owner: Link;
  /** MAC addresses that the entry may have. */
  readonly expected: readonly string[];
};

/** The pod's entry for its gateway of one family. */
function judgeFamily(
  network: PodNetwork & { readonly stack: NetworkStack },
  layout: Layout,
  family: Family,
  host: NetworkStack,
): Wrong | string {
  const gateway = expectedGateway(network, layout, family);
  if (gateway === null) return 'the CNI plugin names no gateway';
  const owner = layout.gatewayMac === 'bridge' ? bridgeOf(network, host, gateway) : network.hostLink;
  if (typeof owner === 'string') return owner;
  const others = host.links.filter(({ name }) => name === layout.gatewayLink);
  const expected = [owner, ...others].flatMap((link) => link?.mac ?? []);
  if (owner === null || expected.length === 0) return 'the node link has no MAC address';
  const entry = network.stack.neighbours.find(
    (found) => found.link === network.interface && sameAddress(found.destination, gateway),
  );
  const right = isRight(entry, expected);
  const permanent = entry?.states.some((state) => state === 'PERMANENT' || state === 'NOARP') ?? false;
  if (layout.gatewayNeighbour === 'permanent') {
    if (defaultRouteOf(network, layout, family).state !== 'right' && entry === undefined)
      return 'the default route is wrong as well: see pod-default-route-missing';
    if (right && permanent) return 'pass';
  } else {
    if (entry === undefined || right) return 'pass';
    if (entry.mac === null || !entry.states.some((state) => TRUSTED.includes(state)))
      return 'the gateway was not resolved at that moment: --active ping tells';
  }
  return { gateway, entry, owner, expected };
}

const isRight = (entry: Neighbour | undefined, expected: readonly string[]): boolean =>
  entry?.mac != null && expected.includes(entry.mac);

function entryText(entry: Neighbour): string {
  return [entry.mac ?? 'no MAC address', ...entry.states].join(' ');
}

/** The bridge of the pod's pair, if it is the pod's gateway: the gateway may also be an external router. */
function bridgeOf(network: PodNetwork, host: NetworkStack, gateway: string) {
  const name = network.hostLink?.master ?? null;
  if (name === null) return ON_NO_BRIDGE;
  const bridge = host.links.find((link) => link.name === name);
  if (bridge === undefined) return `the bridge ${name} could not be read`;
  const holds = host.addresses.some(({ link, address }) => link === name && sameAddress(address, gateway));
  return holds ? bridge : `the gateway ${gateway} is not on ${name}: see bridge-address-stale`;
}
