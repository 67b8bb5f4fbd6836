import type { AnyCheck } from '../define.ts';

export const cniChecks: readonly AnyCheck[] = [];
