import type { AnyCheck } from '../define.ts';
import { debugPodLeftover } from './debug-pod-leftover.ts';
import { exceptionExpired } from './exception-expired.ts';
import { exceptionUnused } from './exception-unused.ts';

export const auditChecks: readonly AnyCheck[] = [debugPodLeftover, exceptionExpired, exceptionUnused];
