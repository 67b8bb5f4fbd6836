import type { AnyCheck } from '../define.ts';

export const namespacesChecks: readonly AnyCheck[] = [];
