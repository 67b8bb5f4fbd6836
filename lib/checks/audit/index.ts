import type { AnyCheck } from '../define.ts';

export const auditChecks: readonly AnyCheck[] = [];
