import type { AnyCheck } from '../define.ts';
import { debugPodLeftover } from './debug-pod-leftover.ts';

export const auditChecks: readonly AnyCheck[] = [debugPodLeftover];
