import type { AnyCheck } from '../define.ts';
import { namespaceHeld } from './namespace-held.ts';
import { namespaceOrphaned } from './namespace-orphaned.ts';

export const namespacesChecks: readonly AnyCheck[] = [namespaceOrphaned, namespaceHeld];
