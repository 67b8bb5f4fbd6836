/** What checks across nodes see of a healthy cluster. */
import type { ClusterSources } from '../../lib/checks/define.ts';

export function clusterSources(changes: Partial<ClusterSources> = {}): ClusterSources {
  return {
    podAddresses: [],
    nodeRoutes: [],
    crossings: [],
    found: [],
    dnsServices: [],
    podLinks: [],
    earlierPodLinks: null,
    auditedNodes: ['node-1'],
    debugPods: [],
    exceptions: [],
    ...changes,
  };
}
