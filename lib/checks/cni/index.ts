import type { AnyCheck } from '../define.ts';
import { cniAddFailing } from './cni-add-failing.ts';
import { cniAgentDown } from './cni-agent-down.ts';
import { cniConfigInvalid } from './cni-config-invalid.ts';
import { cniConfigOrder } from './cni-config-order.ts';
import { cniEndpointMissing } from './cni-endpoint-missing.ts';
import { cniEndpointStale } from './cni-endpoint-stale.ts';
import { cniPluginMissing } from './cni-plugin-missing.ts';
import { cniSubnetFileWrong } from './cni-subnet-file-wrong.ts';
import { ipamConflict } from './ipam-conflict.ts';
import { ipamCorrupt } from './ipam-corrupt.ts';
import { ipamLeaked } from './ipam-leaked.ts';
import { ipamNearExhausted } from './ipam-near-exhausted.ts';
import { ipamUnrecorded } from './ipam-unrecorded.ts';

export const cniChecks: readonly AnyCheck[] = [
  cniAgentDown,
  cniConfigInvalid,
  cniConfigOrder,
  cniPluginMissing,
  cniSubnetFileWrong,
  cniEndpointMissing,
  cniEndpointStale,
  ipamLeaked,
  ipamUnrecorded,
  ipamConflict,
  ipamNearExhausted,
  ipamCorrupt,
  cniAddFailing,
];
