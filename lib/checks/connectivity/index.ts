import type { AnyCheck } from '../define.ts';
import { crossNodeUnreachable } from './cross-node-unreachable.ts';
import { nodeToPodUnreachable } from './node-to-pod-unreachable.ts';
import { podDnsFailing } from './pod-dns-failing.ts';
import { podToGatewayUnreachable } from './pod-to-gateway-unreachable.ts';

export const connectivityChecks: readonly AnyCheck[] = [
  nodeToPodUnreachable,
  podToGatewayUnreachable,
  crossNodeUnreachable,
  podDnsFailing,
];
