import type { AnyCheck } from '../define.ts';

export const connectivityChecks: readonly AnyCheck[] = [];
