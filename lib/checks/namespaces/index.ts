import type { AnyCheck } from '../define.ts';
import { namespaceCountNearLimit } from './namespace-count-near-limit.ts';
import { namespaceCreationFailing } from './namespace-creation-failing.ts';
import { namespaceHeld } from './namespace-held.ts';
import { namespaceHidden } from './namespace-hidden.ts';
import { namespaceMountPropagation } from './namespace-mount-propagation.ts';
import { namespaceMountsNearLimit } from './namespace-mounts-near-limit.ts';
import { namespaceOrphaned } from './namespace-orphaned.ts';
import { namespacePinInvalid } from './namespace-pin-invalid.ts';
import { namespacePinMissing } from './namespace-pin-missing.ts';
import { namespacePinShadowed } from './namespace-pin-shadowed.ts';
import { namespacePinnedElsewhere } from './namespace-pinned-elsewhere.ts';
import { namespacesDying } from './namespaces-dying.ts';

export const namespacesChecks: readonly AnyCheck[] = [
  namespaceOrphaned,
  namespaceHeld,
  namespaceHidden,
  namespacePinInvalid,
  namespacePinShadowed,
  namespacePinMissing,
  namespacePinnedElsewhere,
  namespaceMountPropagation,
  namespaceMountsNearLimit,
  namespaceCountNearLimit,
  namespacesDying,
  namespaceCreationFailing,
];
