/** Parts of a report, each with its own verdict. Pure. */
import { type Finding, nodeOf } from '../model/finding.ts';
import { isAbout, type Narrowing } from '../model/narrowing.ts';
import type { ClusterReport } from '../model/report.ts';
import { isIncomplete, verdict } from './verdict.ts';

/** Findings, coverage and nodes of one check or node. Without either, the unchanged report. */
export function narrowed(report: ClusterReport, asked: Narrowing): ClusterReport {
  if (asked.check === undefined && asked.node === undefined) return report;
  const ofNode = ({ node }: { node: string }): boolean => asked.node === undefined || node === asked.node;
  const coverage = {
    nodes: report.coverage.nodes.filter(ofNode),
    checks: report.coverage.checks.filter(({ check }) => asked.check === undefined || check === asked.check),
  };
  return {
    ...withFindings({ ...report, coverage }, (finding) => isAbout(finding, asked), {
      // One node is only a part.
      scope: asked.node === undefined ? report.scope : 'part',
    }),
    nodes: report.nodes.filter(ofNode),
  };
}

/**
 * What a run of some nodes reports: findings on these nodes, and those of the cluster that it saw itself.
 *
 * @param pods - keeps findings on pods and their objects only for this namespace, or one pod in it; null keeps all
 */
export function ofAuditedNodes(
  report: ClusterReport,
  pods: { readonly namespace: string; readonly name: string | null } | null,
): ClusterReport {
  const nodes = new Set(report.coverage.nodes.map(({ node }) => node));
  return withFindings(report, (finding) => {
    const { object, notSeen } = finding;
    const node = nodeOf(finding);
    if (node === '' ? notSeen : !nodes.has(node)) return false;
    if (pods === null || object.kind === 'node' || object.kind === 'cluster') return true;
    return object.namespace === pods.namespace && (pods.name === null || object.name === pods.name);
  });
}

function withFindings(
  report: ClusterReport,
  keeps: (finding: Finding) => boolean,
  { scope } = { scope: report.scope },
): ClusterReport {
  const findings = report.findings.filter(keeps);
  return {
    ...report,
    verdict: verdict(findings, isIncomplete({ scope, coverage: report.coverage })),
    findings,
    resolved: report.resolved.filter(keeps),
  };
}
