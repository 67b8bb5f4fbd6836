/** What a run concludes about an earlier finding that no check reported again. Pure. */
import type { AnyCheck } from '../checks/define.ts';
import type { Reexamination } from '../history/lifecycle.ts';
import { type AuditedObject, type Finding, nodeOf } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { CheckTally } from '../model/node-result.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';
import { type ExaminedCheck, type ExaminedNode, examinedBy } from './fold-nodes.ts';
import { objectKey } from './identity.ts';

export type ExaminedRun = {
  readonly scope: ClusterReport['scope'];
  readonly checks: ReadonlyMap<string, AnyCheck>;
  /** All nodes of the run: for a full run, all that the API lists. */
  readonly nodes: readonly NodeCoverage[];
  readonly byNode: ReadonlyMap<string, ExaminedNode>;
  /** From checks across nodes. */
  readonly clusterTallies: ReadonlyMap<string, CheckTally>;
};

export const NOT_EXAMINED = { result: 'notExamined' } as const;
const PASSED = { result: 'passed' } as const;

/** By fingerprint, what the run knows about each earlier finding that it did not see again. */
export function reexamineUnseen(
  earlier: readonly Finding[],
  observed: readonly Pick<Finding, 'fingerprint'>[],
  examined: ExaminedRun,
): Map<string, Reexamination> {
  const seen = new Set(observed.map(({ fingerprint }) => fingerprint));
  const unseen = earlier.filter(({ fingerprint }) => !seen.has(fingerprint));
  return new Map(unseen.map((finding) => [finding.fingerprint, reexamine(finding, examined)]));
}

/** Only an examined node can say gone or passed: a failed one resolves nothing. */
function reexamine(finding: Finding, examined: ExaminedRun): Reexamination {
  const tally = examined.clusterTallies.get(finding.check);
  if (tally === undefined) return onNode(finding, examined);
  return finding.object.kind === 'exception' ? ofException(finding, tally) : acrossNodes(tally, examined);
}

/** Outcomes of checks on exceptions already include nodes that were not audited. */
function ofException({ object }: Finding, tally: CheckTally): Reexamination {
  return isJudged(object, examinedBy(tally))
    ? { result: 'gone', reason: 'the exception is in use, was changed or taken out' }
    : NOT_EXAMINED;
}

/** A check across nodes says nothing about what failed or partial nodes might have shown. */
function acrossNodes(tally: CheckTally, { scope, nodes }: ExaminedRun): Reexamination {
  const all =
    scope === 'cluster' &&
    tally.unknown === 0 &&
    nodes.every((node) => node.result === 'audited' || node.result === 'skipped');
  return all ? PASSED : NOT_EXAMINED;
}

function onNode(finding: Finding, { scope, checks, byNode }: ExaminedRun): Reexamination {
  const { object } = finding;
  const name = nodeOf(finding);
  const node = byNode.get(name);
  if (node === undefined)
    return scope === 'cluster' ? { result: 'gone', reason: `node ${name} is gone` } : NOT_EXAMINED;
  if (node.result !== 'audited' && node.result !== 'partial') return NOT_EXAMINED;
  // A pod missing in the API may still have a sandbox, and a partly read node may not show it.
  const ofSandbox = checks.get(finding.check)?.about === 'sandboxes';
  if (ofSandbox && node.result === 'partial') return NOT_EXAMINED;
  const pod = namespacedName(object);
  if (!ofSandbox && object.kind === 'pod' && node.pods.size > 0 && !node.pods.has(pod))
    return { result: 'gone', reason: `pod ${pod} is gone from node ${name}` };
  // It has no outcome for a pod that it did not see: that is no pass.
  const needsNetwork = checks.get(finding.check)?.needs.some((part) => part === 'podNetworks') === true;
  if (object.kind === 'pod' && needsNetwork && node.unseenPods.has(pod)) return NOT_EXAMINED;
  const check = node.checks.get(finding.check);
  return check !== undefined && isJudged(object, check) ? PASSED : NOT_EXAMINED;
}

function isJudged(object: AuditedObject, check: ExaminedCheck): boolean {
  return check !== null && !check.has(objectKey(object));
}
