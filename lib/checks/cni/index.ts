import type { AnyCheck } from '../define.ts';
import { ipamLeaked } from './ipam-leaked.ts';

export const cniChecks: readonly AnyCheck[] = [ipamLeaked];
