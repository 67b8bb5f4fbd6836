import type { AnyCheck } from '../define.ts';

export const dnsChecks: readonly AnyCheck[] = [];
