/** A part of a report: what is about one check, or one node. Pure. */
import type { Finding } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';

export type Narrowing = { readonly check?: string; readonly node?: string };

type Placed = Pick<Finding, 'check'> & {
  readonly object: { readonly kind: string; readonly name: string; readonly node?: string | undefined };
};

/** Whether a finding is of the check and on the node that were asked for. */
export function isAbout({ check, object }: Placed, asked: Narrowing): boolean {
  return (
    (asked.check === undefined || check === asked.check) &&
    (asked.node === undefined ||
      object.node === asked.node ||
      (object.kind === 'node' && object.name === asked.node))
  );
}

/** The report with its findings, coverage and nodes narrowed; its verdict is still the one of the whole. */
export function narrowed(report: ClusterReport, asked: Narrowing): ClusterReport {
  const ofNode = ({ node }: { node: string }): boolean => asked.node === undefined || node === asked.node;
  return {
    ...report,
    coverage: {
      nodes: report.coverage.nodes.filter(ofNode),
      checks: report.coverage.checks.filter(
        ({ check }) => asked.check === undefined || check === asked.check,
      ),
    },
    findings: report.findings.filter((finding) => isAbout(finding, asked)),
    resolved: report.resolved.filter((finding) => isAbout(finding, asked)),
    nodes: report.nodes.filter(ofNode),
  };
}
