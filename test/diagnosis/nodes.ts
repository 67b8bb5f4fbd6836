/** Results of nodes, and their conclusions. */
import { catalogue } from '../../lib/checks/catalogue.ts';
import type { AnyCheck } from '../../lib/checks/define.ts';
import { diagnoseCluster } from '../../lib/diagnosis/diagnose-cluster.ts';
import type { Exception } from '../../lib/model/exception.ts';
import type { AuditedObject } from '../../lib/model/finding.ts';
import type { KubectlOptions } from '../../lib/model/kubectl.ts';
import type { CheckFailure, NodeResult, PodAddress } from '../../lib/model/node-result.ts';
import type { ClusterReport } from '../../lib/model/report.ts';

export function failureOf(check: string, object: AuditedObject): CheckFailure {
  return {
    check,
    object,
    severity: 'high',
    confidence: 'confirmed',
    detail: `of ${object.node}`,
    evidence: [],
    remedy: [],
  };
}

/** Each of the checks judged something. */
export function talliesOf(ids: readonly string[]): NodeResult['tallies'] {
  return ids.map((check) => ({
    check,
    passed: 3,
    notApplicable: 0,
    unknown: 0,
    reasons: [],
    unexamined: [],
  }));
}

/** A node that was audited. */
export function resultOf(node: string, changes: Partial<NodeResult> = {}): NodeResult {
  return {
    node,
    coverage: { node, result: 'audited', reason: null, remedy: null },
    facts: null,
    tallies: talliesOf(catalogue.filter(({ scope }) => scope === 'node').map(({ id }) => id)),
    failures: [],
    podAddresses: [],
    debugPods: [],
    pods: [`shop/own-of-${node}`],
    labels: {},
    ...changes,
  };
}

export function failedNode(node: string): NodeResult {
  return resultOf(node, {
    coverage: { node, result: 'failed', reason: 'the kubelet is silent', remedy: null },
    tallies: [],
    pods: [],
  });
}

export function conclude(
  results: Iterable<NodeResult>,
  previous: ClusterReport | null = null,
  changes: {
    day?: number;
    scope?: 'cluster' | 'part';
    exceptions?: readonly Exception[];
    checks?: readonly AnyCheck[];
    /** Settle time in seconds for leaks. */
    orphan?: number;
    kubectl?: KubectlOptions;
  } = {},
): ClusterReport {
  const at = new Date(Date.UTC(2026, 10, 20 + (changes.day ?? 0), 2)).toISOString();
  return diagnoseCluster({
    runId: `run-${changes.day ?? 0}`,
    cluster: { name: 'prod-eu', uid: 'uid', version: 'v1.36.2' },
    scope: changes.scope ?? 'cluster',
    startedAt: at,
    finishedAt: at,
    auditorVersion: '0.1.0',
    results,
    checks: changes.checks ?? catalogue,
    previous,
    settleSeconds: { pod: 300, orphan: changes.orphan ?? 900 },
    exceptions: changes.exceptions ?? [],
    kubectl: changes.kubectl ?? null,
  });
}

/** An address of a settled pod on the node `victim`. */
export function heldAddress(changes: Partial<PodAddress> = {}): PodAddress {
  return {
    address: '10.0.0.7',
    node: 'victim',
    pod: { namespace: 'shop', name: 'own-of-victim', uid: 'v' },
    namespace: 1,
    network: 'cbr0',
    inPodStatus: true,
    createdAt: '2026-11-01T00:00:00Z',
    podCreatedAt: '2026-11-01T00:00:00Z',
    ...changes,
  };
}

/** What a report shows about one node. */
export function readOf(node: string, { findings, resolved }: ClusterReport): string {
  const own = ({ object }: ClusterReport['findings'][number]) =>
    object.node === node || (object.kind === 'node' && object.name === node);
  return JSON.stringify({ findings: findings.filter(own), resolved: resolved.filter(own) });
}
