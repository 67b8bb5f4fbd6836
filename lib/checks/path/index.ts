import type { AnyCheck } from '../define.ts';
import { bridgeEntryWrong } from './bridge-entry-wrong.ts';
import { bridgeFilterDisabled } from './bridge-filter-disabled.ts';
import { bridgePortFlagsWrong } from './bridge-port-flags-wrong.ts';
import { foreignRoutingRules } from './foreign-routing-rules.ts';
import { gatewayLinkBroken } from './gateway-link-broken.ts';
import { hostPortUnserved } from './host-port-unserved.ts';
import { linkArpIgnored } from './link-arp-ignored.ts';
import { linkProgramMissing } from './link-program-missing.ts';
import { linkProgramUnexpected } from './link-program-unexpected.ts';
import { neighbourOfNodeWrong } from './neighbour-of-node-wrong.ts';
import { nodeBridgeBroken } from './node-bridge-broken.ts';
import { nodeDefaultRouteMissing } from './node-default-route-missing.ts';
import { nodeLinkProgramMissing } from './node-link-program-missing.ts';
import { nodeLinkProgramUnexpected } from './node-link-program-unexpected.ts';
import { nodeNeighbourWrong } from './node-neighbour-wrong.ts';
import { nodeTunnelBroken } from './node-tunnel-broken.ts';
import { podMacDuplicate } from './pod-mac-duplicate.ts';
import { podUnroutedInbound } from './pod-unrouted-inbound.ts';
import { podUnroutedOutbound } from './pod-unrouted-outbound.ts';
import { podsOfNodeUnreachable } from './pods-of-node-unreachable.ts';
import { routeToNodeMissing } from './route-to-node-missing.ts';
import { tunnelEntryWrong } from './tunnel-entry-wrong.ts';
import { tunnelSettingsDiffer } from './tunnel-settings-differ.ts';

export const pathChecks: readonly AnyCheck[] = [
  hostPortUnserved,
  linkArpIgnored,
  linkProgramUnexpected,
  linkProgramMissing,
  nodeLinkProgramMissing,
  nodeLinkProgramUnexpected,
  nodeTunnelBroken,
  tunnelEntryWrong,
  tunnelSettingsDiffer,
  nodeNeighbourWrong,
  podMacDuplicate,
  nodeBridgeBroken,
  gatewayLinkBroken,
  bridgeEntryWrong,
  bridgePortFlagsWrong,
  bridgeFilterDisabled,
  nodeDefaultRouteMissing,
  foreignRoutingRules,
  podUnroutedInbound,
  podUnroutedOutbound,
  podsOfNodeUnreachable,
  routeToNodeMissing,
  neighbourOfNodeWrong,
];
