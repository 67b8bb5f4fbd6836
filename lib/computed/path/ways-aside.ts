/** Rules of the node that take what pods send to a table which is not meant for it, or where it is lost. */
import { AWS_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { Link, NetworkStack, Route, Rule, Way } from '../../model/network.ts';
import { prefixLength } from '../cidr.ts';
import { routeText } from '../routes/gateway.ts';
import { answerText, bestOf, decisionOf, isAdded } from '../routes/routing-decision.ts';

/**
 * Rules of the AWS VPC CNI (pkg/networkutils/network.go): security groups for pods, to and from pods, marked
 * packets.
 */
const OF_AWS: readonly number[] = [10, 20, 512, 1024, 1535, 1536];

/** Not a rule of the kernel or the plugin. */
export const isForeignRule = (rule: Rule, { plugin }: PodNetwork): boolean =>
  isAdded(rule) && !(plugin === AWS_CNI && OF_AWS.includes(rule.priority));

const isDefault = (route: Route | null | undefined): boolean =>
  route !== null && route !== undefined && prefixLength(route.destination) === 0;

const isOfMain = ({ table }: Way): boolean => table === 'main' || table === 'local';

/**
 * Where what is for another node's network should go if it goes by the default route of a table that does not know
 * it; else null.
 * @param own - the way of the node itself to the same address
 */
export function takenAsideFrom(way: Way, own: Way | undefined, host: NetworkStack): string | null {
  if (own === undefined) return null;
  if (own.link === way.link && own.gateway === way.gateway) {
    // A rule may take the node's own packets as well: the main table says where the network is.
    const meant = isOfMain(way) ? null : bestOf(host.routes, 'main', way);
    if (meant === null || isDefault(meant) || meant.link === way.link) return null;
    return isDefault(decisionOf(host, way)?.route) ? `${routeText(meant)}, as in table main` : null;
  }
  return isDefault(decisionOf(host, way)?.route) && !isDefault(decisionOf(host, own)?.route)
    ? `${answerText(own)}, as for the node itself`
    : null;
}

/**
 * Where what the pod sends to the outside should go, and why it is certainly lost behind a foreign rule; else null. Only
 * where the main table has another link out: a node without a network may have a default route by a dummy.
 */
export function lostBehind(way: Way, network: PodNetwork, host: NetworkStack): string | null {
  if (way.error !== null || isOfMain(way)) return null;
  const lossAt = (link: string | null): string | null => lossOf(host.links.find(({ name }) => name === link));
  const reason = lossAt(way.link);
  if (reason === null) return null;
  const out = bestOf(host.routes, 'main', way);
  const decision = decisionOf(host, way);
  if (out === null || !decision?.route || !isForeignRule(decision.rule, network)) return null;
  // A route to this address alone says nothing about others.
  return prefixLength(decision.route.destination) <= 1 && lossAt(out.link) === null
    ? `a way out of the node: ${reason}`
    : null;
}

/** A tunnel says nothing about its other end. */
function lossOf(link: Link | undefined): string | null {
  if (link === undefined) return null;
  if (link.kind === 'dummy') return `${link.name} is a dummy, which drops all packets`;
  return link.up && link.carrier ? null : `${link.name} has no carrier`;
}
