import type { AnyCheck } from '../define.ts';
import { podAddressDuplicate } from './pod-address-duplicate.ts';
import { podAddressForeign } from './pod-address-foreign.ts';
import { podAddressMismatch } from './pod-address-mismatch.ts';
import { podAddressMissing } from './pod-address-missing.ts';
import { podAddressWrongSubnet } from './pod-address-wrong-subnet.ts';

export const addressesChecks: readonly AnyCheck[] = [
  podAddressMissing,
  podAddressMismatch,
  podAddressDuplicate,
  podAddressWrongSubnet,
  podAddressForeign,
];
