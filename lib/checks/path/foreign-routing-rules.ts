import { elsewhere } from '../../computed/path/pod-ways.ts';
import { type JudgedWays, judgeWays, type WayCause } from '../../computed/path/way-causes.ts';
import { ruleText } from '../../computed/routes/routing-decision.ts';
import { CILIUM_TUNNEL } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, type Failure, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { failure, isForeign, merged } from '../frames/unrouted.ts';

/**
 * VPN clients, nm-cloud-setup and scripts add rules; rules are evaluated in order, so one before the main
 * table decides (calico#4662, rke2#1053).
 */
export const foreignRoutingRules = defineCheck({
  id: 'foreign-routing-rules',
  topic: 'path',
  severity: 'critical',
  title: 'No rule of policy routing takes packets of pods elsewhere',
  failureTitle: 'Policy routing rule diverts pod packets',
  why:
    'A rule that the CNI plugin did not create drops packets of pods, or sends them to a table that ' +
    'does not know pods. Links, addresses and the main table look right.',
  needs: ['podNetworks', 'hostNetwork', 'routing', 'kernel', 'hostPacketFilters'],
  run(sources, { node }) {
    const object = nodeObject(node);
    const { pods, causes } = judgeWays(sources);
    const foreign = causes.filter(isForeign);
    if (foreign.length === 0) {
      const judged = [...pods.values()].some(
        ({ inbound, outbound }) => inbound.is === 'right' || outbound.is === 'right',
      );
      return [judged ? pass(object) : notApplicable(object, 'no pod of the node could be judged')];
    }
    const byRule = [...Map.groupBy(foreign, ({ rule }) => (rule === null ? '' : ruleText(rule))).values()];
    const behindNodes = elsewhere(sources.routing);
    const { links } = sources.hostNetwork;
    // Programs of Cilium send what is from pods into the tunnel, whatever the rules.
    const ofNodeAlone = (same: readonly WayCause[]): boolean =>
      links.some(({ name }) => CILIUM_TUNNEL.test(name)) &&
      same.every(({ hits }) =>
        hits.every(
          ({ network, broken }) =>
            network.plugin === CILIUM_CNI && broken.every(({ way }) => behindNodes.has(way.destination)),
        ),
      );
    return [
      fail(
        object,
        merged(
          byRule.map((same) => (ofNodeAlone(same) ? ofTheNode(same, node) : ofOneRule(same, pods, node))),
        ),
      ),
    ];
  },
});

function ofTheNode(causes: readonly WayCause[], node: string): Failure {
  const [first] = causes as [WayCause];
  return {
    ...failure(first, node, false),
    detail:
      `The ${first.text} takes what the node itself and pods on its network send to pods of other nodes, and what is ` +
      'for Services there. Cilium delivers what other pods send to pods.',
    severity: 'high',
  };
}

/** One finding and one remedy, though a rule may affect both incoming and outgoing packets. */
function ofOneRule(causes: readonly WayCause[], pods: JudgedWays['pods'], node: string) {
  const [first] = causes as [WayCause];
  const networks = [...new Set(causes.flatMap(({ hits }) => hits.map(({ network }) => network)))];
  const names = networks.map(({ pod }) => namespacedName(pod));
  const directions = new Set(causes.map(({ direction }) => direction));
  const otherWay = first.direction === 'inbound' ? 'outbound' : 'inbound';
  const oneWay =
    directions.size === 1 && networks.every((network) => pods.get(network)?.[otherWay].is === 'right');
  const way = oneWay
    ? `on their way ${first.direction === 'inbound' ? 'to' : 'from'} pods (one-way)`
    : 'in both directions';
  return {
    ...failure(first, node, false),
    detail: `The ${first.text} takes packets of ${counted(networks.length, 'pod')} (${listed(names, 5)}), ${way}.`,
    evidence: causes.flatMap((cause) => failure(cause, node, false).evidence),
  };
}
