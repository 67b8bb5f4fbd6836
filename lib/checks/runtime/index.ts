import type { AnyCheck } from '../define.ts';
import { runtimeNamespacePathInvalid } from './runtime-namespace-path-invalid.ts';
import { runtimeNetworkNotReady } from './runtime-network-not-ready.ts';
import { sandboxDuplicated } from './sandbox-duplicated.ts';
import { sandboxGhost } from './sandbox-ghost.ts';
import { sandboxMissing } from './sandbox-missing.ts';
import { sandboxProcessDead } from './sandbox-process-dead.ts';
import { sandboxStale } from './sandbox-stale.ts';
import { sandboxStuckTerminating } from './sandbox-stuck-terminating.ts';

export const runtimeChecks: readonly AnyCheck[] = [
  sandboxMissing,
  sandboxDuplicated,
  sandboxStale,
  sandboxGhost,
  sandboxStuckTerminating,
  sandboxProcessDead,
  runtimeNamespacePathInvalid,
  runtimeNetworkNotReady,
];
