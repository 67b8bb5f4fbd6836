import { mayChangeNetwork } from '../../computed/preconditions.ts';
import {
  defaultRouteOf,
  expectedGateway,
  lostDefaults,
  resultGateways,
  routeText,
  wayOut,
} from '../../computed/routes/gateway.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { restore } from '../remedies/restore.ts';
import { recreatePod } from '../remedies/steps.ts';

/** Also reports a default route to a gateway that is not the plugin's: nothing there forwards (rke2#1053). */
export const podDefaultRouteMissing = definePodCheck({
  id: 'pod-default-route-missing',
  topic: 'routes',
  severity: 'critical',
  title: 'The pod has the default route of its CNI plugin',
  failureTitle: "Pod lacks its CNI plugin's default route",
  why:
    'Without it the pod reaches at most its own subnet: Services, DNS, other nodes and the internet ' +
    'fail, while probes from the node may still pass.',
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network) {
    const way = wayOfPod(network);
    if (typeof way === 'string') return way;
    const { layout } = way;
    const wrong = way.families
      .map((family) => ({
        family,
        found: layout === null ? MISSING : defaultRouteOf(network, layout, family),
      }))
      .filter(({ found }) => found.state !== 'right');
    if (wrong.length === 0) return 'pass';
    const ownRouting =
      'k8s.v1.cni.cncf.io/networks' in network.pod.annotations ||
      network.pod.containers.some(mayChangeNetwork);
    if (ownRouting && wrong.every(({ found }) => found.state === 'elsewhere')) {
      return 'the pod has another default route, and may have chosen it itself';
    }
    const result = network.results[0];
    // Where the result names no routes, the plugin's layout says which it is.
    const named = result === undefined || result.routes.length === 0 ? '' : '; expected: CNI result cache';
    const evidence = wrong.map(({ family, found }) => {
      const gateway = expectedGateway(network, layout, family);
      return {
        what: `IPv${family} default route`,
        expected: `default ${gateway === null ? '' : `via ${gateway} `}dev ${network.interface}`,
        actual: found.state === 'missing' ? 'none' : routeText(found.route),
        source: `ip -${family} route (netns ${network.namespace})${named}`,
      };
    });
    const gateways = wrong.map(({ family, found }) => {
      const gateway = expectedGateway(network, layout, family);
      // Where the layout alone says which it is, nothing on the node agrees.
      return found.state === 'missing' && gateway !== null && resultGateways(network).includes(gateway)
        ? gateway
        : null;
    });
    return {
      detail: evidence
        .map((row) => `${row.what}: ${row.actual}; the CNI plugin set ${row.expected}.`)
        .join(' '),
      confidence: result === undefined || (layout?.defaultRoute ?? true) ? 'probable' : 'confirmed',
      // The other family, or another next hop, still leads out of the pod.
      ...(wrong.length < way.families.length ||
      wrong.every(({ found }) => found.state === 'elsewhere' && found.partly)
        ? { severity: 'high' as const }
        : {}),
      evidence,
      remedy: recreatePod(network.pod),
      ...(ownRouting || layout === null || gateways.includes(null)
        ? {}
        : restore(
            network,
            ...gateways.flatMap((gateway) =>
              gateway === null ? [] : [{ what: 'default-route', link: network.interface, gateway } as const],
            ),
          )),
    };
  },
});

const MISSING = { state: 'missing' } as const;

/** Of other layouts it is only known that the plugin set a default route, if its result names one. */
function wayOfPod(network: PodNetwork) {
  const way = wayOut(network);
  if (typeof way !== 'string') return way;
  const families = lostDefaults(network);
  return families.length === 0 ? way : { layout: null, families };
}
