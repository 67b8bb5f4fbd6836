/** Nodes that say that they are not to be probed. */
import { NODE_REMOVED, type NodeCoverage } from '../model/report.ts';

/**
 * A kubelet says itself that its node is not to be probed, by a label or its operating system: a node that was
 * read before and says so for the first time is a gap, and no longer one if it still says so in the next run.
 */
export function unlessDisguised(coverage: NodeCoverage): NodeCoverage {
  if (coverage.result !== 'skipped' || coverage.reason === NODE_REMOVED) return coverage;
  return {
    ...coverage,
    result: 'failed',
    reason: `it was audited before, and now it says: ${coverage.reason}`.slice(0, 500),
    remedy: `If the node was replaced, the next audit skips it. If not, see who changed it: kubectl get node ${coverage.node} -o yaml`,
  };
}
