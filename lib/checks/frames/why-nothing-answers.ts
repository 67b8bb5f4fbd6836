/** Why a pod does not answer a ping or a DNS query, if another check reports the reason. */

import { sameAddress } from '../../computed/cidr.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { linkFault, lostAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { NOT_FORWARDED } from '../../computed/routes/bridges.ts';
import { expectedGateway } from '../../computed/routes/gateway.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { failing, type Question } from '../define-pod-check.ts';
import { podFirewallBlocksAll } from '../firewall/pod-firewall-blocks-all.ts';
import { nodeNeighbourWrong } from '../path/node-neighbour-wrong.ts';
import { hostRouteMisdirected } from '../routes/host-route-misdirected.ts';
import { hostRouteMissing } from '../routes/host-route-missing.ts';
import { podDefaultRouteMissing } from '../routes/pod-default-route-missing.ts';
import { podGatewayNeighbourWrong } from '../routes/pod-gateway-neighbour-wrong.ts';

const EXPLAINED = 'another fault explains it';

export const whyNothingAnswers: readonly Question<'podNetworks' | 'hostNetwork'>[] = [
  bridgeFault,
  networkElsewhere,
  linkFault,
  lostAddress,
  failing(podDefaultRouteMissing, EXPLAINED),
  failing(podGatewayNeighbourWrong, EXPLAINED),
  failing(hostRouteMissing, EXPLAINED),
  failing(hostRouteMisdirected, EXPLAINED),
  failing(nodeNeighbourWrong, EXPLAINED),
  failing(podFirewallBlocksAll, EXPLAINED),
];

/** For pods that are ports of a bridge that is also their gateway. */
function bridgeFault(network: PodNetwork, { hostNetwork }: Pick<Sources, 'hostNetwork'>): string | null {
  const layout = layoutOf(network);
  if (typeof layout === 'string' || layout.gatewayMac !== 'bridge') return null;
  const bridge = network.hostLink?.master ?? null;
  if (bridge === null || network.hostLink?.portState === 'disabled') {
    return linkFault(network) ?? NOT_FORWARDED;
  }
  const gateway = expectedGateway(network, layout, 4);
  if (gateway === null) return null;
  const held = hostNetwork.addresses.some(
    ({ link, address }) => link === bridge && sameAddress(address, gateway),
  );
  return held ? null : `${bridge} does not hold ${gateway}: see bridge-address-stale`;
}

function lostAddress(network: PodNetwork): string | null {
  const [lost] = lostAddresses(network);
  return lost === undefined ? null : `the pod does not hold ${lost}: see pod-address-missing`;
}
