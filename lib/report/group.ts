/**
 * How findings are shown: symptoms under their cause, and one fault on many pods of a node once. Presentation only:
 * thresholds and lifecycle go by the findings themselves.
 */
import type { AuditedObject, Finding } from '../model/finding.ts';
import type { ClusterReport } from '../model/report.ts';

export type Group = {
  /** The finding that is shown in full. */
  readonly lead: Finding;
  /** The same fault on other objects of the node; the lead is not among them. */
  readonly alike: readonly Finding[];
  /** What the lead explains. */
  readonly symptoms: readonly Finding[];
};

/** More pods than this, and more than a tenth of the node's, are told as one. */
const ALIKE = 3;
const SHARE = 0.1;

/** Findings of a report in groups, in the order of their leads. */
export function groups(report: ClusterReport): Group[] {
  const known = new Set(report.findings.map((finding) => finding.fingerprint));
  // A report of one pod may lack the cause: then the symptom stands alone.
  const stands = ({ partOf }: Finding): boolean => partOf === null || !known.has(partOf);
  const symptoms = Map.groupBy(
    report.findings.filter((finding) => !stands(finding)),
    (finding) => finding.partOf,
  );
  const leads = report.findings.filter(stands);
  const podsOn = new Map(report.nodes.map((node) => [node.node, node.pods]));
  const sets = Map.groupBy(leads, (finding) =>
    [
      finding.check,
      finding.severity,
      finding.state,
      finding.object.node ?? '',
      finding.suppressed !== null,
    ].join('|'),
  );
  return [...sets.values()].flatMap((set) => {
    const [first] = set;
    const many = set.length > ALIKE && set.length > SHARE * (podsOn.get(first?.object.node ?? '') ?? 0);
    return (many ? [set] : set.map((finding) => [finding])).flatMap(([lead, ...alike]) =>
      lead === undefined
        ? []
        : [
            {
              lead,
              alike,
              symptoms: [lead, ...alike].flatMap((finding) => symptoms.get(finding.fingerprint) ?? []),
            },
          ],
    );
  });
}

/** `shop/web-1 on node-1`, `node-1`, `/run/netns/x on node-1`: a path that ends in the name stands for both. */
export function objectName(object: AuditedObject): string {
  const name = object.namespace === undefined ? object.name : `${object.namespace}/${object.name}`;
  const { path = name } = object;
  const what = path === name || path.endsWith(`/${name}`) ? path : `${name} ${path}`;
  return `${what}${object.node === undefined || object.node === object.name ? '' : ` on ${object.node}`}`;
}
