import type { AnyCheck } from '../define.ts';
import { hostNetworkPodIsolated } from './host-network-pod-isolated.ts';
import { podInHostNetwork } from './pod-in-host-network.ts';
import { podNetworkSplit } from './pod-network-split.ts';
import { podSeesHostProcesses } from './pod-sees-host-processes.ts';
import { podsShareNetwork } from './pods-share-network.ts';

export const isolationChecks: readonly AnyCheck[] = [
  podInHostNetwork,
  podsShareNetwork,
  podNetworkSplit,
  hostNetworkPodIsolated,
  podSeesHostProcesses,
];
