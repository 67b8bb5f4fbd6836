import type { AnyCheck } from '../define.ts';

export const isolationChecks: readonly AnyCheck[] = [];
