/** Routes of the node that drop what it sends to the addresses of Services. */
import type { DnsService } from '../../model/kubernetes.ts';
import type { NetworkStack, Route } from '../../model/network.ts';
import { familyOf } from '../cidr.ts';
import { decisionOf, isAdded } from '../routes/routing-decision.ts';

export type DroppedService = {
  readonly address: string;
  readonly service: DnsService;
  readonly route: Route;
};

/**
 * The kernel looks for a route of what the node itself sends before it translates the address, and of what it
 * forwards only afterwards. Those of the cluster's DNS stand for the addresses of all Services.
 */
export function droppedServices(host: NetworkStack, services: readonly DnsService[]): DroppedService[] {
  return services.flatMap((service) =>
    service.addresses.flatMap((address): DroppedService[] => {
      const unanswered = { error: 'EINVAL', type: null, link: null, gateway: null, table: null };
      const family = familyOf(address);
      const way = { family, destination: address, source: null, inputLink: null, ...unanswered };
      const decision = decisionOf(host, way);
      return decision === null || decision.route === null || isAdded(decision.rule)
        ? []
        : [{ address, service, route: decision.route }];
    }),
  );
}
