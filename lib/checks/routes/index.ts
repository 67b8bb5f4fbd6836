import type { AnyCheck } from '../define.ts';

export const routesChecks: readonly AnyCheck[] = [];
