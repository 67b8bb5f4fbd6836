import type { AnyCheck } from '../define.ts';

export const vethChecks: readonly AnyCheck[] = [];
