import type { AnyCheck } from '../define.ts';
import { bridgeAddressStale } from './bridge-address-stale.ts';
import { hostRouteMisdirected } from './host-route-misdirected.ts';
import { hostRouteMissing } from './host-route-missing.ts';
import { hostRouteStale } from './host-route-stale.ts';
import { nodeForwardingDisabled } from './node-forwarding-disabled.ts';
import { podDefaultRouteMissing } from './pod-default-route-missing.ts';
import { podGatewayNeighbourWrong } from './pod-gateway-neighbour-wrong.ts';
import { podGatewayRouteMissing } from './pod-gateway-route-missing.ts';
import { podNeighbourWrong } from './pod-neighbour-wrong.ts';
import { podRouteBlackhole } from './pod-route-blackhole.ts';
import { podRoutingIncomplete } from './pod-routing-incomplete.ts';
import { podTtlTooSmall } from './pod-ttl-too-small.ts';

export const routesChecks: readonly AnyCheck[] = [
  podDefaultRouteMissing,
  podGatewayRouteMissing,
  podGatewayNeighbourWrong,
  podNeighbourWrong,
  podTtlTooSmall,
  podRouteBlackhole,
  podRoutingIncomplete,
  hostRouteMissing,
  hostRouteMisdirected,
  hostRouteStale,
  bridgeAddressStale,
  nodeForwardingDisabled,
];
