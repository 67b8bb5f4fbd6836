import type { AnyCheck } from '../define.ts';

export const addressesChecks: readonly AnyCheck[] = [];
