import type { AnyCheck } from '../define.ts';

export const runtimeChecks: readonly AnyCheck[] = [];
