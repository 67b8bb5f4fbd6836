import type { AnyCheck } from '../define.ts';

export const eventsChecks: readonly AnyCheck[] = [];
