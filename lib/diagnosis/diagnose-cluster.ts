/** From the results of nodes to the report of their cluster: cluster-wide checks, comparison, coverage, verdict. */

import { exceptionExpired } from '../checks/audit/exception-expired.ts';
import { exceptionUnused } from '../checks/audit/exception-unused.ts';
import type { AnyCheck, CheckContext, ClusterCheck, ClusterSources, Outcome } from '../checks/define.ts';
import { keptLinks } from '../computed/pods/pod-links.ts';
import { compare, type Observation, type Reexamination } from '../history/lifecycle.ts';
import { byText } from '../model/by-text.ts';
import { messageOf } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import { type Finding, nodeOf, worstFirst } from '../model/finding.ts';
import { type KubectlOptions, onCluster } from '../model/kubectl.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';
import { workloadOf } from '../model/workload.ts';
import { correlate } from './correlate.ts';
import { failuresOf, tally } from './diagnose-node.ts';
import { exceptionsFor, type Match, matchesOf, suppress, usesOf } from './exceptions.ts';
import { addFailed, addTally, type Fault, type FoldedNodes, foldNodes, namesFor } from './fold-nodes.ts';
import { namesOf, objectKey } from './identity.ts';
import { lastWithout } from './last-without.ts';
import { type ClusterTally, NOT_EXAMINED, reexamineUnseen } from './reexamine.ts';
import { isIncomplete, verdict } from './verdict.ts';

export type ClusterResults = Pick<
  ClusterReport,
  'runId' | 'cluster' | 'scope' | 'startedAt' | 'finishedAt' | 'auditorVersion'
> & {
  readonly results: Iterable<NodeResult>;
  /** All checks that were to run. */
  readonly checks: readonly AnyCheck[];
  /** The cluster's latest report; null where there is none, or it is from another cluster with this name. */
  readonly previous: ClusterReport | null;
  readonly settleSeconds: CheckContext['settleSeconds'];
  /** From the configuration, for any cluster. */
  readonly exceptions: readonly Exception[];
  /** For the commands of repairs. @default null: no kubeconfig was used */
  readonly kubectl?: KubectlOptions | null;
};

/** Shared by all stages. */
type Run = Omit<ClusterResults, 'results' | 'checks' | 'previous' | 'exceptions'> & {
  /** By id. */
  readonly checks: ReadonlyMap<string, AnyCheck>;
  /** Those for this cluster. */
  readonly exceptions: readonly Exception[];
  readonly previous: ClusterReport | null;
  /** Findings of the earlier report, by fingerprint. */
  readonly earlier: ReadonlyMap<string, Finding>;
};

/** Diagnoses a cluster. `results` is read once, so it may stream; little is kept per node. */
export function diagnoseCluster(input: ClusterResults): ClusterReport {
  const run = runOf(input);
  const earlier = [...run.earlier.values()];
  const folded = foldNodes(input.results, {
    ...run,
    cluster: run.cluster.name,
    askedAgain: new Set(earlier.map(nodeOf)),
    readBefore: new Set(readNodes(run.previous?.coverage.nodes ?? [])),
  });
  const sources: ClusterSources = {
    ...folded,
    podLinks: folded.podLinks ?? [],
    earlierPodLinks: earlierPodLinks(run),
    auditedNodes: readNodes(folded.nodes),
    found: [],
    exceptions: [],
  };
  const checks = clusterChecks(run);
  const [last, first] = partition(checks, ({ id }) => isAboutExceptions(id));
  const [earlierOfExceptions, earlierOfOthers] = partition(earlier, ({ check }) => isAboutExceptions(check));

  const acrossNodes = runChecks(first, sources, run, folded);
  const observations = observed([...folded.faults, ...acrossNodes.faults], run, folded);
  const examined = { ...folded, scope: run.scope, at: run.startedAt, checks: run.checks };
  const again = reexamineUnseen(earlierOfOthers, observations, {
    ...examined,
    clusterTallies: acrossNodes.tallies,
  });
  const notExamined = earlierOfOthers.filter(
    ({ fingerprint }) => again.get(fingerprint)?.result === 'notExamined',
  );
  const matches = matchesOf(run.exceptions, [...observations, ...notExamined], examined);

  // Last, as only then all that exceptions cover is known.
  const aboutExceptions = runChecks(last, { ...sources, exceptions: usesOf(matches, examined) }, run, folded);
  const ofExceptions = observed(aboutExceptions.faults, run, folded);
  const exceptionsAgain = reexamineUnseen(earlierOfExceptions, ofExceptions, {
    ...examined,
    clusterTallies: aboutExceptions.tallies,
  });
  return report(run, folded, {
    observations: [...observations, ...ofExceptions],
    again: new Map([...again, ...exceptionsAgain]),
    matches,
  });
}

/** Those for which `test` holds, and the others. */
function partition<T>(all: readonly T[], test: (each: T) => boolean): readonly [T[], T[]] {
  return [all.filter(test), all.filter((each) => !test(each))];
}

function runOf(input: ClusterResults): Run {
  const previous = renamed(input.previous, input.checks);
  return {
    ...input,
    checks: new Map(input.checks.map((check) => [check.id, check])),
    exceptions: exceptionsFor(input.exceptions, input.cluster.name),
    previous,
    earlier: new Map((previous?.findings ?? []).map((finding) => [finding.fingerprint, finding])),
  };
}

/** The earlier report with the current names of its checks. */
function renamed(previous: ClusterReport | null, checks: readonly AnyCheck[]): ClusterReport | null {
  if (previous === null) return null;
  const names = new Map(checks.flatMap(({ id, formerly = [] }) => formerly.map((name) => [name, id])));
  const findings = previous.findings.map((finding) => ({
    ...finding,
    check: names.get(finding.check) ?? finding.check,
  }));
  return { ...previous, findings };
}

function clusterChecks({ checks }: Run): ClusterCheck[] {
  return [...checks.values()].filter((check): check is ClusterCheck => check.scope === 'cluster');
}

function isAboutExceptions(id: string): boolean {
  return id === exceptionExpired.id || id === exceptionUnused.id;
}

/** Names of the nodes that were read, whole or in part. */
function readNodes(nodes: readonly NodeCoverage[]): string[] {
  return nodes.flatMap(({ node, result }) => (result === 'audited' || result === 'partial' ? [node] : []));
}

function earlierPodLinks({ previous }: Run): ClusterSources['earlierPodLinks'] {
  return previous?.podLinks === undefined ? null : { at: previous.startedAt, links: previous.podLinks };
}

/** Runs checks across nodes, and adds them to the coverage. */
function runChecks(
  checks: readonly ClusterCheck[],
  sources: ClusterSources,
  run: Run,
  { coverage, faults: ofNodes }: FoldedNodes,
): { readonly faults: Fault[]; readonly tallies: Map<string, ClusterTally> } {
  const faults: Fault[] = [];
  const tallies = new Map<string, ClusterTally>();
  const found = ofNodes.map(({ failure }) => failure);
  for (const check of checks) {
    const outcomes = runCheck(check, { ...sources, found }, run);
    const failures = failuresOf(check, outcomes);
    for (const failure of failures) {
      faults.push({ check, failure, fingerprints: namesFor(run.cluster.name, check, failure.object) });
      found.push(failure);
    }
    const entry = tally(check.id, outcomes);
    tallies.set(check.id, { ...entry, passes: check.about === 'nodes' ? passesOf(outcomes) : new Set() });
    addTally(coverage.get(check.id), entry);
    addFailed(coverage.get(check.id), failures.length);
  }
  return { faults, tallies };
}

function passesOf(outcomes: readonly Outcome[]): Set<string> {
  return new Set(outcomes.flatMap(({ result, object }) => (result === 'pass' ? [objectKey(object)] : [])));
}

/** A check that throws is unknown with the message, and does not stop the report. */
function runCheck(
  check: ClusterCheck,
  sources: ClusterSources,
  { startedAt, settleSeconds, cluster }: Run,
): readonly Outcome[] {
  try {
    return check.run(sources, { now: Date.parse(startedAt), settleSeconds });
  } catch (error) {
    const object = { kind: 'cluster', name: cluster.name } as const;
    return [{ result: 'unknown', object, reason: `the check failed: ${messageOf(error)}` }];
  }
}

/** Faults under the names by which history knows them. */
function observed(
  faults: readonly Fault[],
  { cluster, kubectl, earlier, scope, previous, auditorVersion }: Run,
  { nodeOfPod, workloads }: FoldedNodes,
): Observation[] {
  const replicas = scope === 'cluster' ? replicasOf(workloads) : new Map<string, number>();
  const names = namesOf(
    faults.map(({ check, failure: { object }, fingerprints }) => ({
      object,
      fingerprints,
      moves:
        object.kind === 'pod' &&
        check.about !== 'sandboxes' &&
        nodeOfPod.get(namespacedName(object)) === object.node,
    })),
    earlier,
  );
  // Another version may find what this one does not, and the other way round.
  const without = lastWithout(previous?.auditorVersion === auditorVersion ? previous : null);
  return faults.map(({ check, failure, fingerprints }, index) => ({
    ...failure,
    ...known(replicas.get(`${failure.object.namespace}/${workloadOf(failure.object)}`)),
    remedy: failure.remedy.map((step) => onCluster(step, cluster.name, kubectl ?? null)),
    fingerprint: names[index] ?? fingerprints.here,
    topic: check.topic,
    title: check.failureTitle,
    observations: check.observations ?? 1,
    lastWithout: without(check.id, failure.object),
  }));
}

/** Pods of each workload by `namespace/name`, without names that workloads of two kinds share. */
function replicasOf(workloads: FoldedNodes['workloads']): Map<string, number> {
  const byName = Map.groupBy(workloads ?? [], ([workload]) => workload.replace(/\/.*\//, '/'));
  return new Map(
    [...byName].flatMap(([name, [first, another]]) =>
      first === undefined || another !== undefined ? [] : [[name, first[1]]],
    ),
  );
}

function known(replicas: number | undefined): Pick<Finding, 'replicas'> {
  return replicas === undefined ? {} : { replicas };
}

function report(
  run: Run,
  { nodes, facts, coverage, youngPods, unjudged, podLinks, servicesUnread }: FoldedNodes,
  {
    observations,
    again,
    matches,
  }: {
    readonly observations: readonly Observation[];
    /** Of each earlier finding that was not seen, by fingerprint. */
    readonly again: ReadonlyMap<string, Reexamination>;
    readonly matches: readonly Match[];
  },
): ClusterReport {
  const { runId, cluster, scope, startedAt, finishedAt, auditorVersion, previous } = run;
  const unconfirmed = previous === null || run.settleSeconds.orphan === 0;
  const reexamine = ({ fingerprint }: Finding) => again.get(fingerprint) ?? NOT_EXAMINED;
  const compared = compare(previous, observations, startedAt, reexamine, unconfirmed);
  const findings = suppress(compared.findings, matches, startedAt);
  const covered = {
    nodes: nodes.toSorted(byName),
    checks: [...coverage.values()],
    ...(servicesUnread === null ? {} : { servicesUnread }),
    ...(youngPods > 0 ? { young: { pods: youngPods, seconds: run.settleSeconds.pod } } : {}),
    ...(unjudged.size > 0 ? { unjudged: [...unjudged.values()] } : {}),
  };
  return {
    schemaVersion: 1,
    kind: 'ClusterReport',
    runId,
    cluster,
    scope,
    startedAt,
    finishedAt,
    auditorVersion,
    ...(previous === null ? {} : { previous: { runId: previous.runId, startedAt: previous.startedAt } }),
    verdict: verdict(findings, isIncomplete({ scope, coverage: covered })),
    coverage: covered,
    findings: correlate(findings).toSorted(worstFirst),
    resolved: compared.resolved.toSorted(worstFirst),
    remembered: compared.remembered,
    nodes: facts.toSorted(byName),
    ...(podLinks === null ? {} : { podLinks: keptLinks(podLinks) }),
  };
}

function byName(a: { readonly node: string }, b: { readonly node: string }): number {
  return byText(a.node, b.node);
}
