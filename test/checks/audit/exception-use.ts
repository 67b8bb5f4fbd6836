/** An exception and what a run saw of it: by default one that is valid and covers nothing. */
import type { ClusterSources } from '../../../lib/checks/define.ts';
import type { ExceptionUse } from '../../../lib/model/exception.ts';
import { clusterSources } from '../cluster-sources.ts';

export function aUse(changes: Partial<ExceptionUse> = {}): ExceptionUse {
  return {
    exception: {
      check: 'pod-mtu-mismatch',
      objects: ['shop/*'],
      clusters: ['*'],
      reason: 'jumbo frames until the switch is replaced.',
      owner: 'net-team',
      expires: '2026-11-15',
    },
    expired: false,
    covers: [],
    unknownCheck: false,
    blind: null,
    ...changes,
  };
}

export function sourcesWith(...exceptions: ExceptionUse[]): ClusterSources {
  return clusterSources({ exceptions });
}
