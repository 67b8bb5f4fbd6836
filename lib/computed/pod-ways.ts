/** Of the kernel's routing answers those about one pod: which of them do not bring packets where they belong. */
import type { PodNetwork, Sources } from '../model/evidence.ts';
import { DROPPING, type NetworkStack, type Route, type Way } from '../model/network.ts';
import { prefixLength } from './cidr.ts';
import { layoutOf } from './layouts.ts';
import { linkFault, mainAddresses, networkElsewhere } from './preconditions.ts';
import { answerText, type Decision, decisionOf } from './routing-decision.ts';
import { nodeLink } from './way-in.ts';

/** Public addresses that the probe asks for; nothing is sent to them. */
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
  /** How many ways were asked for in each direction, and those that are wrong. */
  readonly inbound: { readonly asked: number; readonly broken: readonly BrokenWay[] };
  readonly outbound: { readonly asked: number; readonly broken: readonly BrokenWay[] };
};

/** Addresses of other nodes' networks that the node asked for: all but public ones and those of its own pods, which ask as well. */
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
};

/** For each pod its ways, or why there are none to judge. */
export function podWays({
  podNetworks,
  hostNetwork,
  routing,
}: Asked): ReadonlyMap<PodNetwork, PodWays | string> {
  const places = new Map(podNetworks.map((network) => [network, placeOf(network)]));
  const byDestination = Map.groupBy(routing, ({ destination }) => destination);
  const bySource = Map.groupBy(routing, ({ source }) => source);
  const held = new Set(hostNetwork.addresses.map(({ address }) => address));
  const behindNodes = elsewhere(routing);
  const judge = (way: Way, expected: string, right: boolean): BrokenWay[] =>
    right ? [] : [{ way, expected, decision: decisionOf(hostNetwork, way) }];

  // The node's own way to the same address, where it was asked for that.
  const ofNode = new Map(
    routing.flatMap((way) =>
      way.source === null && way.error === null ? [[way.destination, way] as const] : [],
    ),
  );
  const expectedOut = ({ destination }: Way): string => {
    const own = OUTSIDE.includes(destination) ? undefined : ofNode.get(destination);
    return own === undefined ? 'a way out of the node' : `${answerText(own)}, as for the node itself`;
  };
  // A table for some packets only, which does not know the networks of other nodes: its default route takes what is for them.
  const isTakenAside = (way: Way): boolean => {
    const own = ofNode.get(way.destination);
    if (own === undefined || OUTSIDE.includes(way.destination)) return false;
    if (own.link === way.link && own.gateway === way.gateway) return false;
    const here = decisionOf(hostNetwork, way)?.route;
    const there = decisionOf(hostNetwork, own)?.route;
    return isDefault(here) && !isDefault(there);
  };

  const outboundOf = ({ link, addresses }: Place) => {
    const ways = addresses
      .flatMap((address) => bySource.get(address) ?? [])
      .filter(
        ({ inputLink, destination }) =>
          inputLink === link &&
          (OUTSIDE.includes(destination) || held.has(destination) || behindNodes.has(destination)),
      );
    const broken = ways.flatMap((way) =>
      held.has(way.destination)
        ? judge(way, 'the node itself', way.type === 'local')
        : judge(way, expectedOut(way), way.error === null && !isTakenAside(way) && way.link !== link),
    );
    return { asked: ways.length, broken: broken.filter((each) => !isMeant(each)) };
  };
  const outbound = new Map(
    [...places].map(([network, place]) => [network, typeof place === 'string' ? null : outboundOf(place)]),
  );
  const cutOff = new Set(
    [...outbound].flatMap(([network, out]) => (out?.broken.length ? network.pod.podIPs : [])),
  );
  // A pod that is on its way is not judged, and neither is what another one is said to get from it: its link may be half there.
  const pods = new Set(
    routing.flatMap(({ source, destination }) => (OUTSIDE.includes(destination) ? (source ?? []) : [])),
  );
  const judged = new Set(
    [...places.values()].flatMap((place) => (typeof place === 'string' ? [] : place.addresses)),
  );
  const saysNothing = ({ source, error }: Way): boolean =>
    // The link that the packet should have come in by was gone when the kernel was asked.
    error === 'ENODEV' ||
    (source !== null && (cutOff.has(source) || (pods.has(source) && !judged.has(source))));
  return new Map(
    [...places].map(([network, place]): [PodNetwork, PodWays | string] => {
      const out = outbound.get(network);
      if (typeof place === 'string' || !out) return [network, String(place)];
      const { link, addresses } = place;
      const ways = addresses
        .flatMap((address) => byDestination.get(address) ?? [])
        // What pods of one bridge send each other does not pass the node's routing; what a pod sends that is cut off itself says nothing.
        .filter((way) => way.inputLink !== link && !saysNothing(way));
      const broken = ways.flatMap((way) =>
        judge(way, `dev ${link}`, way.type === 'unicast' && way.link === link),
      );
      return [network, { link, addresses, inbound: { asked: ways.length, broken }, outbound: out }];
    }),
  );
}

type Place = { readonly link: string; readonly addresses: readonly string[] };

function placeOf(network: PodNetwork): Place | string {
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  const layout = layoutOf(network);
  if (typeof layout === 'string') return layout;
  if (layout.hostRoute === 'none' || !layout.forwarding)
    return `${network.plugin} delivers by programs of its own, not by routes`;
  const link = nodeLink(network, layout);
  if (link === null) return "the node's end is on no bridge: see veth-bridge-detached";
  const own = new Set(mainAddresses(network).map(({ address }) => address));
  const addresses = network.pod.podIPs.filter((address) => own.has(address));
  return addresses.length === 0
    ? 'the pod holds no address of its own: see pod-address-missing'
    : { link, addresses };
}

const isDefault = (route: Route | null | undefined): boolean =>
  route !== null && route !== undefined && prefixLength(route.destination) === 0;

/** Who blocks a public address by a route or a rule of its own means that, and tells nothing of the others. */
function isMeant({ way, decision }: BrokenWay): boolean {
  if (!OUTSIDE.includes(way.destination) || decision === null) return false;
  const { rule, route } = decision;
  if (route === null) return rule.destination !== null;
  return DROPPING.includes(route.type) && prefixLength(route.destination) > 1;
}
