/** The kernel's routing answers about one pod: which of them do not bring packets where they belong. */
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { DROPPING, type NetworkStack, type Way } from '../../model/network.ts';
import { prefixLength } from '../cidr.ts';
import { forwardsForCilium } from '../firewall/kernel-forwarding.ts';
import { layoutOf } from '../layouts.ts';
import { linkFault, mainAddresses, networkElsewhere } from '../preconditions.ts';
import { ON_NO_BRIDGE } from '../routes/bridges.ts';
import { answerText, type Decision, decisionOf } from '../routes/routing-decision.ts';
import { nodeLink } from './way-in.ts';
import { lostBehind, takenAsideFrom } from './ways-aside.ts';

/** Public addresses used in routing lookups; nothing is sent to them. */
export const OUTSIDE: readonly string[] = ['8.8.8.8', '2001:4860:4860::8888'];

export type BrokenWay = {
  readonly way: Way;
  /** What the kernel should have answered. */
  readonly expected: string;
  readonly decision: Decision | null;
};

export type PodWays = {
  /** Link of the node by which the pod's packets pass. */
  readonly link: string;
  readonly addresses: readonly string[];
  /** The number of ways looked up in each direction, and those that are wrong. */
  readonly inbound: { readonly asked: number; readonly broken: readonly BrokenWay[] };
  readonly outbound: { readonly asked: number; readonly broken: readonly BrokenWay[] };
};

/**
 * Addresses in other nodes' networks that were looked up: all but public ones and those of the node's own
 * pods, which are sources too.
 */
export function elsewhere(routing: Sources['routing']): ReadonlySet<string> {
  const pods = new Set(routing.map(({ source }) => source));
  return new Set(
    routing.flatMap(({ source, destination }) =>
      source === null && !pods.has(destination) && !OUTSIDE.includes(destination) ? [destination] : [],
    ),
  );
}

type Asked = {
  readonly podNetworks: readonly PodNetwork[];
  readonly hostNetwork: NetworkStack;
  readonly routing: Sources['routing'];
  readonly hostPacketFilters: Sources['hostPacketFilters'];
};

/** Each pod's ways, or why none can be judged. Long, as what is asked once for the node serves all of its pods. */
export function podWays({
  podNetworks,
  hostNetwork,
  routing,
  hostPacketFilters,
}: Asked): ReadonlyMap<PodNetwork, PodWays | string> {
  const leavesToKernel = forwardsForCilium(hostPacketFilters);
  const places = new Map(podNetworks.map((network) => [network, placeOf(network, leavesToKernel)]));
  const byDestination = Map.groupBy(routing, ({ destination }) => destination);
  const bySource = Map.groupBy(routing, ({ source }) => source);
  const held = new Set(hostNetwork.addresses.map(({ address }) => address));
  const behindNodes = elsewhere(routing);
  const judge = (way: Way, expected: string, right: boolean): BrokenWay[] =>
    right ? [] : [{ way, expected, decision: decisionOf(hostNetwork, way) }];

  // The node's own route to the same address, if it was looked up.
  const ofNode = new Map(
    routing.flatMap((way) =>
      way.source === null && way.error === null ? [[way.destination, way] as const] : [],
    ),
  );
  const expectedOut = ({ destination }: Way): string => {
    const own = OUTSIDE.includes(destination) ? undefined : ofNode.get(destination);
    return own === undefined ? 'a way out of the node' : `${answerText(own)}, as for the node itself`;
  };
  const outboundOf = ({ link, addresses }: Place, network: PodNetwork) => {
    const ways = addresses
      .flatMap((address) => bySource.get(address) ?? [])
      .filter(
        ({ inputLink, destination }) =>
          inputLink === link &&
          (OUTSIDE.includes(destination) || held.has(destination) || behindNodes.has(destination)),
      );
    const broken = ways.flatMap((way) => {
      if (held.has(way.destination)) return judge(way, 'the node itself', way.type === 'local');
      const expected = OUTSIDE.includes(way.destination)
        ? lostBehind(way, network, hostNetwork)
        : takenAsideFrom(way, ofNode.get(way.destination), hostNetwork);
      if (expected !== null) return judge(way, expected, false);
      return judge(way, expectedOut(way), way.error === null && way.link !== link);
    });
    return { asked: ways.length, broken: broken.filter((each) => !isMeant(each)) };
  };
  const outbound = new Map(
    [...places].map(([network, place]) => [
      network,
      typeof place === 'string' ? null : outboundOf(place, network),
    ]),
  );
  const cutOff = new Set(
    [...outbound].flatMap(([network, out]) => (out?.broken.length ? network.pod.podIPs : [])),
  );
  // A starting or ending pod is not judged, nor are lookups of packets from it: its link may be half set up.
  const pods = new Set(
    routing.flatMap(({ source, destination }) => (OUTSIDE.includes(destination) ? (source ?? []) : [])),
  );
  const judged = new Set(
    [...places.values()].flatMap((place) => (typeof place === 'string' ? [] : place.addresses)),
  );
  const saysNothing = ({ source, error }: Way): boolean =>
    // The packet's input link was gone when the kernel was asked.
    error === 'ENODEV' ||
    (source !== null && (cutOff.has(source) || (pods.has(source) && !judged.has(source))));
  return new Map(
    [...places].map(([network, place]): [PodNetwork, PodWays | string] => {
      const out = outbound.get(network);
      if (typeof place === 'string' || !out) return [network, String(place)];
      const { link, ends, addresses } = place;
      const ways = addresses
        .flatMap((address) => byDestination.get(address) ?? [])
        // Packets between pods of one bridge do not pass the node's routing; packets from a pod that is
        // itself cut off prove nothing.
        .filter((way) => way.inputLink !== link && !saysNothing(way))
        // Programs deliver between pods of one node.
        .filter(({ source }) => ends.length === 1 || source === null || !pods.has(source));
      const broken = ways.flatMap((way) =>
        judge(
          way,
          `dev ${ends.join(' or ')}`,
          way.type === 'unicast' && ends.some((end) => end === way.link),
        ),
      );
      return [network, { link, addresses, inbound: { asked: ways.length, broken }, outbound: out }];
    }),
  );
}

type Place = {
  readonly link: string;
  /** Links to which the kernel may route what is for the pod: several where programs deliver behind them. */
  readonly ends: readonly string[];
  readonly addresses: readonly string[];
};

function placeOf(network: PodNetwork, leavesToKernel: boolean): Place | string {
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  const isPast = network.plugin === CILIUM_CNI && leavesToKernel;
  if (!isPast && (layout.hostRoute === 'none' || !layout.forwarding))
    return `${network.plugin} delivers with its own programs, not by routes`;
  const link = nodeLink(network, layout);
  if (link === null) return ON_NO_BRIDGE;
  const own = new Set(mainAddresses(network).map(({ address }) => address));
  const addresses = network.pod.podIPs.filter((address) => own.has(address));
  if (addresses.length === 0) return 'the pod has no address: see pod-address-missing';
  return {
    link,
    ends: [link, ...(isPast && layout.gatewayLink !== null ? [layout.gatewayLink] : [])],
    addresses,
  };
}

/**
 * True if a public address is blocked by its own route or rule: that is intended, and says nothing about
 * other addresses.
 */
function isMeant({ way, decision }: BrokenWay): boolean {
  if (!OUTSIDE.includes(way.destination) || decision === null) return false;
  const { rule, route } = decision;
  if (route === null) return rule.destination !== null;
  return DROPPING.includes(route.type) && prefixLength(route.destination) > 1;
}
