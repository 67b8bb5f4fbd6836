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
  readonly clusterTallies: ReadonlyMap<string, ClusterTally>;
};

export type ClusterTally = CheckTally & {
  /** Keys of the nodes that passed, if the check judges each node by itself. */
  readonly passes: ReadonlySet<string>;
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
  if (finding.object.kind === 'exception') return ofException(finding, tally);
  return examined.checks.get(finding.check)?.about === 'nodes'
    ? ofNode(finding, tally, examined)
    : acrossNodes(tally, examined);
}

/** Outcomes of checks on exceptions already include nodes that were not audited. */
function ofException({ object }: Finding, tally: CheckTally): Reexamination {
  return isJudged(object, examinedBy(tally))
    ? { result: 'gone', reason: 'the exception is in use, was changed or taken out' }
    : NOT_EXAMINED;
}

/** A check across nodes says nothing about what failed or partial nodes might have shown. */
function acrossNodes(tally: CheckTally, examined: ExaminedRun): Reexamination {
  return tally.unknown === 0 && isWhole(examined) ? PASSED : NOT_EXAMINED;
}

/** Some nodes are always unknown, such as those next to one that was drained: they say nothing about others. */
function ofNode({ object }: Finding, { passes }: ClusterTally, examined: ExaminedRun): Reexamination {
  if (!isWhole(examined)) return NOT_EXAMINED;
  if (!examined.byNode.has(object.name)) return { result: 'gone', reason: `node ${object.name} is gone` };
  return passes.has(objectKey(object)) ? PASSED : NOT_EXAMINED;
}

function isWhole({ scope, nodes }: ExaminedRun): boolean {
  return scope === 'cluster' && nodes.every((node) => node.result === 'audited' || node.result === 'skipped');
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
