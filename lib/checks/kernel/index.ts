import type { AnyCheck } from '../define.ts';
import { conntrackNearFull } from './conntrack-near-full.ts';
import { kernelKnownBad } from './kernel-known-bad.ts';
import { kernelNetnsHung } from './kernel-netns-hung.ts';
import { kernelNetworkBug } from './kernel-network-bug.ts';
import { kernelUnregisterNetdevice } from './kernel-unregister-netdevice.ts';
import { neighbourTableNearFull } from './neighbour-table-near-full.ts';

export const kernelChecks: readonly AnyCheck[] = [
  kernelUnregisterNetdevice,
  kernelNetnsHung,
  neighbourTableNearFull,
  conntrackNearFull,
  kernelNetworkBug,
  kernelKnownBad,
];
