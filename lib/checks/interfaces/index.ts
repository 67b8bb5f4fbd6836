import type { AnyCheck } from '../define.ts';
import { hostInterfaceInPod } from './host-interface-in-pod.ts';
import { nodeLoopbackDown } from './node-loopback-down.ts';
import { nodeMtuTooSmall } from './node-mtu-too-small.ts';
import { podInterfaceDown } from './pod-interface-down.ts';
import { podInterfaceMissing } from './pod-interface-missing.ts';
import { podLinkLosing } from './pod-link-losing.ts';
import { podLoopbackDown } from './pod-loopback-down.ts';
import { podMtuMismatch } from './pod-mtu-mismatch.ts';
import { podSecondaryInterfaceMissing } from './pod-secondary-interface-missing.ts';

export const interfacesChecks: readonly AnyCheck[] = [
  podInterfaceMissing,
  podInterfaceDown,
  podLoopbackDown,
  nodeLoopbackDown,
  podMtuMismatch,
  nodeMtuTooSmall,
  podSecondaryInterfaceMissing,
  podLinkLosing,
  hostInterfaceInPod,
];
