import type { AnyCheck } from '../define.ts';
import { vethBridgeDetached } from './veth-bridge-detached.ts';
import { vethHostSideDown } from './veth-host-side-down.ts';
import { vethOrphaned } from './veth-orphaned.ts';
import { vethPeerMismatch } from './veth-peer-mismatch.ts';
import { vethPeerMissing } from './veth-peer-missing.ts';

export const vethChecks: readonly AnyCheck[] = [
  vethPeerMissing,
  vethPeerMismatch,
  vethHostSideDown,
  vethBridgeDetached,
  vethOrphaned,
];
