/** From the results of nodes to the report of their cluster: cluster-wide checks, comparison, coverage, verdict. */
import { exceptionExpired } from '../checks/audit/exception-expired.ts';
import { exceptionUnused } from '../checks/audit/exception-unused.ts';
import type { AnyCheck, CheckContext, ClusterCheck, ClusterSources, Outcome } from '../checks/define.ts';
import { compare, type Observation, type Reexamination } from '../history/lifecycle.ts';
import { messageOf } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { Finding } from '../model/finding.ts';
import type { Pod } from '../model/kubernetes.ts';
import type { CheckFailure, CheckTally, NodeResult, PodAddress } from '../model/node-result.ts';
import type { CheckCoverage, ClusterReport, NodeCoverage, NodeFacts } from '../model/report.ts';
import { correlate } from './correlate.ts';
import { failuresOf, tally } from './diagnose-node.ts';
import { askedLabels, exceptionsFor, type Labels, suppress, usesOf } from './exceptions.ts';
import { fingerprint, objectKey } from './identity.ts';
import { isIncomplete, order, verdict } from './verdict.ts';

export type ConclusionInput = Pick<
  ClusterReport,
  'runId' | 'cluster' | 'scope' | 'startedAt' | 'finishedAt' | 'auditorVersion'
> & {
  readonly results: Iterable<NodeResult>;
  /** All checks that were to run. */
  readonly checks: readonly AnyCheck[];
  /** The cluster's latest report; null where there is none, or it is of another cluster of the same name. */
  readonly previous: ClusterReport | null;
  readonly settleSeconds: CheckContext['settleSeconds'];
  /** Of the configuration, for any cluster. */
  readonly exceptions: readonly Exception[];
};

/** Concludes a cluster. `results` is read once, so it may stream; what is kept of each node is small. */
export function concludeCluster(input: ConclusionInput): ClusterReport {
  const previous = renamed(input.previous, input.checks);
  const exceptions = exceptionsFor(input.exceptions, input.cluster.name);
  const gathered = gather({ ...input, previous, exceptions });
  const compared = compare(
    previous,
    gathered.observations,
    input.startedAt,
    (finding) => reexamine(finding, gathered, input.scope),
    previous === null || input.settleSeconds.orphan === 0,
  );
  const byId = new Map(input.checks.map((check) => [check.id, check]));
  const findings = suppress(compared.findings, exceptions, input.startedAt, {
    checks: byId,
    labels: gathered.labels,
  });
  const coverage = {
    nodes: gathered.nodes.toSorted((a, b) => compareText(a.node, b.node)),
    checks: gathered.coverage,
  };
  return {
    schemaVersion: 1,
    kind: 'ClusterReport',
    runId: input.runId,
    cluster: input.cluster,
    scope: input.scope,
    startedAt: input.startedAt,
    finishedAt: input.finishedAt,
    auditorVersion: input.auditorVersion,
    verdict: verdict(findings, isIncomplete(coverage)),
    coverage,
    findings: correlate(findings).toSorted(order),
    resolved: compared.resolved.toSorted(order),
    remembered: compared.remembered,
    nodes: gathered.facts.toSorted((a, b) => compareText(a.node, b.node)),
  };
}

/** The earlier report with the names that its checks have now. */
function renamed(previous: ClusterReport | null, checks: readonly AnyCheck[]): ClusterReport | null {
  if (previous === null) return null;
  const names = new Map(checks.flatMap(({ id, formerly = [] }) => formerly.map((name) => [name, id])));
  const findings = previous.findings.map((finding) => ({
    ...finding,
    check: names.get(finding.check) ?? finding.check,
  }));
  return { ...previous, findings };
}

type Gathered = {
  readonly observations: Observation[];
  readonly coverage: CheckCoverage[];
  readonly nodes: NodeCoverage[];
  readonly facts: NodeFacts[];
  /** Of each node; of those with an earlier finding also its pods, and what each check left unexamined. */
  readonly byNode: ReadonlyMap<
    string,
    { pods: ReadonlySet<string>; examined: boolean; tallies: ReadonlyMap<string, CheckTally> }
  >;
  readonly clusterTallies: ReadonlyMap<string, CheckTally>;
  /** As far as exceptions ask for them. */
  readonly labels: Labels;
};

function gather(input: ConclusionInput): Gathered {
  const byId = new Map(input.checks.map((check) => [check.id, check]));
  const coverage = new Map(input.checks.map((check) => [check.id, emptyCoverage(check)]));
  const earlierNodes = new Set(input.previous?.findings.map((finding) => nodeOf(finding)));
  const nodes: NodeCoverage[] = [];
  const facts: NodeFacts[] = [];
  const failures: CheckFailure[] = [];
  const podAddresses: PodAddress[] = [];
  const debugPods: Pod[] = [];
  const labels = new Map<string, Record<string, string>>();
  const byNode = new Map<
    string,
    { pods: Set<string>; examined: boolean; tallies: Map<string, CheckTally> }
  >();
  for (const result of input.results) {
    nodes.push(result.coverage);
    if (result.facts !== null) facts.push(result.facts);
    failures.push(...result.failures);
    podAddresses.push(...result.podAddresses);
    debugPods.push(...result.debugPods);
    for (const [name, asked] of askedLabels(result.labels, input.exceptions)) labels.set(name, asked);
    for (const entry of result.tallies)
      add(coverage.get(entry.check), entry, failedOf(result.failures, entry.check));
    // Only nodes with an earlier finding are asked again.
    const again = earlierNodes.has(result.node);
    byNode.set(result.node, {
      pods: new Set(again ? result.pods : []),
      examined: result.coverage.result === 'audited' || result.coverage.result === 'partial',
      tallies: new Map(again ? result.tallies.map((entry) => [entry.check, entry]) : []),
    });
  }
  const clusterTallies = new Map<string, CheckTally>();
  const auditedNodes = nodes
    .filter((node) => node.result === 'audited' || node.result === 'partial')
    .map((node) => node.node);
  const runClusterCheck = (check: ClusterCheck, sources: ClusterSources): void => {
    const outcomes = runCheck(check, sources, input);
    const found = failuresOf(check, outcomes);
    failures.push(...found);
    const entry = tally(check.id, outcomes);
    clusterTallies.set(check.id, entry);
    add(coverage.get(check.id), entry, found.length);
  };
  const clusterChecks = input.checks.filter((each): each is ClusterCheck => each.scope === 'cluster');
  const sources: ClusterSources = { podAddresses, auditedNodes, debugPods, exceptions: [] };
  for (const check of clusterChecks.filter((each) => !isAboutExceptions(each)))
    runClusterCheck(check, sources);
  const observe = (failure: CheckFailure): Observation[] => {
    const check = byId.get(failure.check);
    return check === undefined ? [] : [observation(failure, check, input.cluster.name)];
  };
  const gathered = { coverage: [...coverage.values()], nodes, facts, byNode, clusterTallies, labels };
  // What exceptions cover is known only when all else is.
  const observations = failures.splice(0).flatMap(observe);
  const seen = new Set(observations.map((each) => each.fingerprint));
  const unseen = (input.previous?.findings ?? []).filter(
    (finding) =>
      !seen.has(finding.fingerprint) && reexamine(finding, gathered, input.scope).result === 'notExamined',
  );
  const exceptions = usesOf(input.exceptions, {
    at: input.startedAt,
    scope: input.scope,
    checks: byId,
    nodes,
    coverage,
    labels,
    present: [...observations, ...unseen],
  });
  for (const check of clusterChecks.filter(isAboutExceptions))
    runClusterCheck(check, { ...sources, exceptions });
  return { ...gathered, observations: [...observations, ...failures.flatMap(observe)] };
}

function isAboutExceptions({ id }: ClusterCheck): boolean {
  return id === exceptionExpired.id || id === exceptionUnused.id;
}

/** A check that throws is unknown with the message, and takes no report away. */
function runCheck(
  check: ClusterCheck,
  sources: Parameters<ClusterCheck['run']>[0],
  { startedAt, settleSeconds, cluster }: ConclusionInput,
): readonly Outcome[] {
  try {
    return check.run(sources, { now: Date.parse(startedAt), settleSeconds });
  } catch (error) {
    const object = { kind: 'cluster', name: cluster.name } as const;
    return [{ result: 'unknown', object, reason: `the check failed: ${messageOf(error)}` }];
  }
}

function observation(failure: CheckFailure, check: AnyCheck, cluster: string): Observation {
  return {
    ...failure,
    fingerprint: fingerprint(cluster, check.formerly?.[0] ?? check.id, failure.object),
    topic: check.topic,
    title: check.failureTitle,
    observations: check.observations ?? 1,
  };
}

/** What this run says of an earlier finding that no check reported again. */
function reexamine(
  finding: Finding,
  gathered: Omit<Gathered, 'observations'>,
  scope: ClusterReport['scope'],
): Reexamination {
  const { object } = finding;
  const clusterTally = gathered.clusterTallies.get(finding.check);
  if (clusterTally !== undefined && object.kind === 'exception') {
    // Nodes that were not audited are in the outcomes already.
    const judgedNothing = clusterTally.unexamined.length === 0 && clusterTally.notApplicable > 0;
    return judgedNothing || clusterTally.unexamined.includes(objectKey(object))
      ? { result: 'notExamined' }
      : { result: 'gone', reason: 'the exception is in use, was changed or taken out' };
  }
  if (clusterTally !== undefined) {
    // A check across nodes says nothing of what nodes that failed or are partial might have shown.
    const all =
      scope === 'cluster' &&
      clusterTally.unknown === 0 &&
      gathered.nodes.every((node) => node.result === 'audited' || node.result === 'skipped');
    return all ? { result: 'passed' } : { result: 'notExamined' };
  }
  const name = nodeOf(finding);
  const node = gathered.byNode.get(name);
  if (node === undefined) {
    return scope === 'cluster'
      ? { result: 'gone', reason: `node ${name} is gone` }
      : { result: 'notExamined' };
  }
  if (object.kind === 'pod' && node.pods.size > 0 && !node.pods.has(`${object.namespace}/${object.name}`)) {
    return { result: 'gone', reason: `pod ${object.namespace}/${object.name} is gone from node ${name}` };
  }
  const entry = node.tallies.get(finding.check);
  if (!node.examined || entry === undefined) return { result: 'notExamined' };
  const judgedNothing = entry.unexamined.length === 0 && entry.unknown + entry.notApplicable > 0;
  return judgedNothing || entry.unexamined.includes(objectKey(object))
    ? { result: 'notExamined' }
    : { result: 'passed' };
}

function nodeOf(finding: Finding): string {
  return finding.object.kind === 'node' ? finding.object.name : (finding.object.node ?? '');
}

function emptyCoverage(check: AnyCheck): CheckCoverage {
  return {
    check: check.id,
    topic: check.topic,
    examined: 0,
    failed: 0,
    notApplicable: 0,
    unknown: 0,
    reasons: [],
  };
}

function add(coverage: CheckCoverage | undefined, entry: CheckTally, failed: number): void {
  if (coverage === undefined) return;
  coverage.examined += entry.passed + failed;
  coverage.failed += failed;
  coverage.notApplicable += entry.notApplicable;
  coverage.unknown += entry.unknown;
  coverage.reasons = [...new Set([...coverage.reasons, ...entry.reasons])].slice(0, 5);
}

function failedOf(failures: readonly CheckFailure[], check: string): number {
  return failures.reduce((count, failure) => (failure.check === check ? count + 1 : count), 0);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
