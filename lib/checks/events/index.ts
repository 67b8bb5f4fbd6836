import type { AnyCheck } from '../define.ts';
import { sandboxCreateFailing } from './sandbox-create-failing.ts';
import { sandboxKillFailing } from './sandbox-kill-failing.ts';
import { sandboxRecreatedRepeatedly } from './sandbox-recreated-repeatedly.ts';

export const eventsChecks: readonly AnyCheck[] = [
  sandboxCreateFailing,
  sandboxKillFailing,
  sandboxRecreatedRepeatedly,
];
