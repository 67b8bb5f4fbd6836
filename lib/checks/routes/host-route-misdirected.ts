import { layoutOf } from '../../computed/layouts.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { hostRoutes } from '../../computed/routes/host-routes.ts';
import type { Layout } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Route } from '../../model/network.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { ownRoute } from '../remedies/own-route.ts';
import { restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

/** The address was reassigned, but its old route stayed (calico#5173, calico#10723). */
export const hostRouteMisdirected = definePodCheck({
  id: 'host-route-misdirected',
  topic: 'routes',
  severity: 'critical',
  title: "The node's route to the pod leads to the pod",
  failureTitle: "Node's route to the pod leads elsewhere",
  why:
    'Packets for the pod go to another link: another pod may receive them, or they are lost. The pod ' +
    'itself looks healthy.',
  needs: ['podNetworks', 'hostNetwork'],
  judge(network, { hostNetwork }, { node }) {
    const routes = hostRoutes(network, hostNetwork);
    if (typeof routes === 'string') return routes;
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    const wrong = routes.flatMap((route) =>
      route.state === 'misdirected' && route.found !== null ? [{ ...route, found: route.found }] : [],
    );
    if (wrong.length > 0) {
      return {
        detail: wrong
          .map(
            ({ address, link, found }) =>
              `The node's route to ${address} is "${routeText(found)}", while the pod is behind ${link}.`,
          )
          .join(' '),
        confidence: 'confirmed',
        evidence: wrong.map(({ address, link, found }) => ({
          what: `route of the node to ${address}`,
          expected: `dev ${link}`,
          actual: routeText(found),
          source: 'ip route show table main (node)',
        })),
        remedy: remedy(
          network,
          layout,
          wrong.map(({ found }) => found),
          node,
        ),
        ...(layout.hostRoute === 'address'
          ? restore(network, ...wrong.map(({ address, found }) => ownRoute(network, layout, address, found)))
          : {}),
      };
    }
    if (routes.every(({ state }) => state === 'missing')) {
      return 'the node has no route to the pod at all: see host-route-missing';
    }
    return 'pass';
  },
});

/** Once the wrong route is gone, the subnet's route applies again; a pod that needs its own route gets a new one. */
function remedy(network: PodNetwork, layout: Layout, wrong: readonly Route[], node: string): RemedyStep[] {
  const own = layout.hostRoute === 'address';
  const after = own
    ? 'the new pod gets one of its own'
    : `the one of ${network.hostLink?.master ?? 'the bridge'} serves again`;
  return [
    ...wrong.map((route) =>
      repairOnNode(
        node,
        `remove the route that takes the pod's packets away; ${after}.`,
        command('ip', 'route', 'del', ...routeText(route).split(' ')),
      ),
    ),
    ...(own ? recreatePod(network.pod) : []),
  ];
}
