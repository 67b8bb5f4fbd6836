import { layoutOf } from '../../computed/layouts.ts';
import { probesOf, unresolved } from '../../computed/path/pings.ts';
import type { Route } from '../../model/network.ts';
import { definePodCheck, firstAnswer } from '../define-pod-check.ts';
import { whyNothingAnswers } from '../frames/why-nothing-answers.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The gateway 169.254.1.1 never answers pings; only its neighbour entry can be judged (docs/traps.md T20). */
export const podToGatewayUnreachable = definePodCheck({
  id: 'pod-to-gateway-unreachable',
  topic: 'connectivity',
  severity: 'critical',
  active: 'ping',
  title: 'The pod reaches its gateway',
  failureTitle: 'Pod cannot reach its gateway',
  why:
    'Nothing that the pod sends to addresses outside its subnet gets out, although interface, address ' +
    'and routes look right.',
  needs: ['podNetworks', 'hostNetwork', 'active'],
  judge(network, sources, context) {
    const probes = probesOf(network, sources.active)?.pings ?? [];
    const pings = probes.filter(({ from }) => from === 'pod');
    if (pings.length > 0 && pings.every(({ answered }) => answered)) return 'pass';
    if (pings.length === 0) {
      return network.stack?.routes.some(isByGateway)
        ? { unknown: 'no ping was sent from the pod' }
        : 'its default route names no gateway to ping';
    }
    const layout = layoutOf(network);
    if (typeof layout === 'string') return `inconclusive: no answer, but ${layout}`;
    const dead = pings.filter(unresolved);
    if (dead.length === 0) {
      const resolved = pings.every(({ neighbour }) => neighbour !== null);
      // For a gateway that never answers, the neighbour entry is the only evidence: it proves the path only
      // if nothing else is wrong.
      if (!layout.gatewayAnswers && resolved)
        return firstAnswer(whyNothingAnswers, network, sources, context) ?? 'pass';
      return resolved
        ? "inconclusive: the gateway is there, but answers no ping; the node's firewall may drop it"
        : 'inconclusive: no answer, and the pod has no neighbour entry for the gateway';
    }
    if (probes.some((ping) => ping.from === 'node' && unresolved(ping))) {
      return 'the pair carries nothing in either direction: see node-to-pod-unreachable';
    }
    return {
      detail: dead
        .map(
          ({ target, neighbour }) =>
            `From the pod, its gateway ${target} cannot be reached: neighbour entry ${neighbour}.`,
        )
        .join(' '),
      confidence: layout.gatewayAnswers ? 'confirmed' : 'probable',
      evidence: dead.map(({ target, neighbour }) => ({
        what: `neighbour entry of ${target} after a ping`,
        expected: 'a MAC address',
        actual: neighbour ?? 'none',
        source: `ip neigh (netns ${network.namespace})`,
      })),
      remedy: recreatePod(network.pod),
    };
  },
  explainedBy: whyNothingAnswers,
});

function isByGateway({ destination, table, gateway }: Route): boolean {
  return destination.endsWith('/0') && table === 'main' && gateway !== null;
}
