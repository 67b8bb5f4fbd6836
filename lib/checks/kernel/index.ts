import type { AnyCheck } from '../define.ts';

export const kernelChecks: readonly AnyCheck[] = [];
