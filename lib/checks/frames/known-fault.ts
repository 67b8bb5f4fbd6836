/** What every check of pings asks first: whether another check reports why nothing answers. */
import { sameAddress } from '../../computed/cidr.ts';
import { expectedGateway } from '../../computed/gateway.ts';
import { layoutOf } from '../../computed/layouts.ts';
import { linkFault, lostAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import type { CheckContext, Outcome } from '../define.ts';
import { podFirewallBlocksAll } from '../firewall/pod-firewall-blocks-all.ts';
import { nodeNeighbourWrong } from '../path/node-neighbour-wrong.ts';
import { hostRouteMisdirected } from '../routes/host-route-misdirected.ts';
import { hostRouteMissing } from '../routes/host-route-missing.ts';
import { podDefaultRouteMissing } from '../routes/pod-default-route-missing.ts';
import { podGatewayNeighbourWrong } from '../routes/pod-gateway-neighbour-wrong.ts';

/** A fault of the pod that another check reports and that explains why nothing answers; null when there is none. */
export function knownFault(network: PodNetwork, host: NetworkStack, context: CheckContext): string | null {
  const layout = layoutOf(network);
  const bridge = network.hostLink?.master ?? null;
  if (typeof layout !== 'string' && layout.gatewayMac === 'bridge') {
    if (bridge === null || network.hostLink?.portState === 'disabled') {
      return linkFault(network) ?? "the node's end is not forwarded by its bridge: see veth-bridge-detached";
    }
    const gateway = expectedGateway(network, layout, 4);
    const held = host.addresses.some(
      ({ link, address }) => link === bridge && gateway !== null && sameAddress(address, gateway),
    );
    if (gateway !== null && !held) return `${bridge} does not hold ${gateway}: see bridge-address-stale`;
  }
  const plain = networkElsewhere(network) ?? linkFault(network);
  if (plain !== null) return plain;
  const [lost] = lostAddresses(network);
  if (lost !== undefined) return `the pod does not hold ${lost}: see pod-address-missing`;
  const podNetworks = [network];
  const outcomes: readonly [string, readonly Outcome[]][] = [
    [podDefaultRouteMissing.id, podDefaultRouteMissing.run({ podNetworks }, context)],
    [podGatewayNeighbourWrong.id, podGatewayNeighbourWrong.run({ podNetworks, hostNetwork: host }, context)],
    [hostRouteMissing.id, hostRouteMissing.run({ podNetworks, hostNetwork: host }, context)],
    [hostRouteMisdirected.id, hostRouteMisdirected.run({ podNetworks, hostNetwork: host }, context)],
    [nodeNeighbourWrong.id, nodeNeighbourWrong.run({ podNetworks, hostNetwork: host }, context)],
    [podFirewallBlocksAll.id, podFirewallBlocksAll.run({ podNetworks }, context)],
  ];
  const found = outcomes.find(([, results]) => results.some(({ result }) => result === 'fail'));
  return found === undefined ? null : `another fault explains it: see ${found[0]}`;
}
