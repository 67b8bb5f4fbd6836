import { layoutOf } from '../../computed/layouts.ts';
import { probesOf, unresolved } from '../../computed/pings.ts';
import type { Route } from '../../model/network.ts';
import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { knownFault } from '../frames/known-fault.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Where the gateway is 169.254.1.1 no ping is ever answered, and the neighbour entry alone tells (docs/traps.md T20). */
export const podToGatewayUnreachable = defineCheck({
  id: 'pod-to-gateway-unreachable',
  topic: 'connectivity',
  severity: 'high',
  active: 'ping',
  title: 'The pod reaches its gateway',
  failureTitle: 'Pod that cannot reach its gateway',
  why: 'Nothing that the pod sends beyond its subnet leaves it, although interface, address and routes look right.',
  needs: ['podNetworks', 'hostNetwork', 'active'],
  run({ podNetworks, hostNetwork, active }, context) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, context.node);
      const probes = probesOf(network, active)?.pings ?? [];
      const pings = probes.filter(({ from }) => from === 'pod');
      if (pings.length > 0 && pings.every(({ answered }) => answered)) return pass(object);
      const fault = knownFault(network, hostNetwork, context);
      if (fault !== null) return notApplicable(object, fault);
      if (pings.length === 0) {
        return network.stack?.routes.some(isByGateway)
          ? unknown(object, 'no ping was sent from the pod')
          : notApplicable(object, 'its default route names no gateway to ping');
      }
      const layout = layoutOf(network);
      if (typeof layout === 'string') return notApplicable(object, `inconclusive: no answer, but ${layout}`);
      const dead = pings.filter(unresolved);
      if (dead.length === 0) {
        const resolved = pings.every(({ neighbour }) => neighbour !== null);
        // The entry of a gateway that never answers is all there is to see.
        if (!layout.gatewayAnswers && resolved) return pass(object);
        return notApplicable(
          object,
          resolved
            ? "inconclusive: the gateway is there, but answers no ping; the node's firewall may drop it"
            : 'inconclusive: no answer, and the pod has no neighbour entry for the gateway',
        );
      }
      if (probes.some((ping) => ping.from === 'node' && unresolved(ping))) {
        return notApplicable(
          object,
          'the pair carries nothing in either direction: see node-to-pod-unreachable',
        );
      }
      return fail(object, {
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
      });
    });
  },
});

function isByGateway({ destination, table, gateway }: Route): boolean {
  return destination.endsWith('/0') && table === 'main' && gateway !== null;
}
