import { addressBits, sameAddress, subnetOf } from '../../computed/cidr.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { routeText } from '../../computed/routes/gateway.ts';
import { hostRoutes } from '../../computed/routes/host-routes.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { ownRoute } from '../remedies/own-route.ts';
import { restore } from '../remedies/restore.ts';
import { command, recreatePod, repairOnNode } from '../remedies/steps.ts';

/** Routed plugins create one route for each pod; behind a bridge, the subnet's route brings packets to the pods. */
export const hostRouteMissing = definePodCheck({
  id: 'host-route-missing',
  topic: 'routes',
  severity: 'critical',
  title: 'The node has its route to the pod',
  failureTitle: 'Node has no route to its pod',
  why:
    'The pod can send, but gets no answers: the node sends every packet for it to its default route, ' +
    'out of the node or in circles. Probes and Services fail.',
  needs: ['podNetworks', 'hostNetwork'],
  judge(network, { hostNetwork }, { node }) {
    const routes = hostRoutes(network, hostNetwork);
    if (typeof routes === 'string') return routes;
    const missing = routes.filter(({ state }) => state === 'missing');
    if (missing.length === 0) return 'pass';
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    const bySubnet = layout.hostRoute === 'subnet';
    return {
      detail: missing
        .map(
          ({ address, link, found }) =>
            `The node has no route to ${address} through ${link}; its packets take ` +
            `${found === null ? 'the default route' : `"${routeText(found)}"`}.`,
        )
        .join(' '),
      confidence: 'confirmed',
      evidence: missing.map(({ address, link, found }) => ({
        what: `route of the node to ${address}`,
        expected: bySubnet ? `the pods' subnet dev ${link}` : `${address} dev ${link}`,
        actual: found === null ? 'none' : routeText(found),
        source: 'ip route show table main (node)',
      })),
      remedy: bySubnet
        ? missing.map(({ address, link }) =>
            restoreSubnetRoute(node, address, link, network.results[0]?.addresses),
          )
        : recreatePod(network.pod),
      ...restore(
        network,
        ...missing.map(({ address, link }) =>
          bySubnet ? subnetRoute(network, address, link) : ownRoute(network, layout, address),
        ),
      ),
    };
  },
});

/** The gateway is one of the bridge's addresses, or the route could not be judged. */
function subnetRoute({ results }: PodNetwork, address: string, bridge: string) {
  const result = results[0]?.addresses.find((one) => sameAddress(one.address, address));
  return {
    what: 'node-route',
    bridge,
    subnet: subnetOf(address, result?.prefixLength ?? addressBits(address)),
    gateway: result?.gateway ?? '',
  } as const;
}

function restoreSubnetRoute(
  node: string,
  address: string,
  link: string,
  given: readonly { address: string; prefixLength: number; gateway: string | null }[] = [],
) {
  const result = given.find((one) => sameAddress(one.address, address));
  const source = result?.gateway ? ['src', result.gateway] : [];
  return repairOnNode(
    node,
    `put back the route that the kernel created with the address of ${link}; no pod needs to be recreated.`,
    command(
      'ip',
      'route',
      'replace',
      subnetOf(address, result?.prefixLength ?? addressBits(address)),
      'dev',
      link,
      'scope',
      'link',
      ...source,
    ),
  );
}
