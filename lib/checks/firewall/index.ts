import type { AnyCheck } from '../define.ts';

export const firewallChecks: readonly AnyCheck[] = [];
