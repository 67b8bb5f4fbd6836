import type { AnyCheck } from '../define.ts';
import { podInterfaceMissing } from './pod-interface-missing.ts';

export const interfacesChecks: readonly AnyCheck[] = [podInterfaceMissing];
