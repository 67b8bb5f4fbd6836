/**
 * Which findings of a report the tool itself may repair, and how. A plan only says what may be tried: each act looks again at the
 * live cluster before it does anything (lib/audit/remediate.ts).
 */
import type { Finding } from '../model/finding.ts';
import { isRepairedByNewPod } from '../model/recreation.ts';
import type { ClusterReport } from '../model/report.ts';

/** What the tool can do. Each kind has what it proves before and after in lib/audit. */
export type ActKind = 'recreate-pod';

/** One act on one object, for all findings that it repairs. */
export type Act = {
  readonly kind: ActKind;
  readonly pod: { readonly namespace: string; readonly name: string };
  readonly node: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** Why it must not even be tried; null where it may. */
  readonly refused: string | null;
};

export type Plan = {
  /** Those that may be tried first, then the refused. */
  readonly acts: readonly Act[];
  /** Findings with a repair that only a person makes: their commands are in the report, and in the script. */
  readonly byHand: readonly Finding[];
};

export type Asked = {
  readonly check?: string;
  readonly node?: string;
  readonly pod?: { readonly namespace: string; readonly name: string };
};

/** A report that is older may tell of a cluster that is long another. */
export const OLDEST_HOURS = 24;

/** Why nothing may be repaired by this report; null where it may serve. @param now - milliseconds */
export function whyNotBy(
  report: Pick<ClusterReport, 'startedAt' | 'cluster' | 'runId'>,
  cluster: { readonly uid: string },
  now: number,
): string | null {
  const hours = (now - Date.parse(report.startedAt)) / 3_600_000;
  if (report.cluster.uid !== cluster.uid)
    return `run ${report.runId} is of another cluster (its kube-system has the uid ${report.cluster.uid})`;
  if (hours > OLDEST_HOURS)
    return `run ${report.runId} is ${Math.floor(hours)} hours old; repairs go by no report older than ${OLDEST_HOURS}`;
  return null;
}

/** The plan for the findings of a report that were asked for. */
export function planRepairs(report: ClusterReport, asked: Asked): Plan {
  const known = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));
  const wanted = report.findings.filter(({ check, object }) => {
    if (asked.check !== undefined && check !== asked.check) return false;
    if (asked.node !== undefined && (object.node ?? object.name) !== asked.node) return false;
    return (
      asked.pod === undefined ||
      (object.kind === 'pod' && object.namespace === asked.pod.namespace && object.name === asked.pod.name)
    );
  });
  const repairable = wanted.filter(isRepairedByNewPod);
  const byPod = Map.groupBy(repairable, ({ object }) => `${object.namespace}/${object.name}/${object.node}`);
  const acts = [...byPod.values()].flatMap((findings): Act[] => {
    const { namespace, name, node } = findings[0]?.object ?? {};
    if (namespace === undefined || name === undefined || node === undefined) return [];
    const reasons = findings.map((finding) => whyRefused(finding, known));
    // One good reason is enough to make the pod again.
    const refused = reasons.includes(null) ? null : (reasons[0] ?? null);
    // What is refused is no reason, and must not become one when the others are gone.
    const reasonsToAct = refused === null ? findings.filter((_, index) => reasons[index] === null) : findings;
    return [{ kind: 'recreate-pod', pod: { namespace, name }, node, findings: reasonsToAct, refused }];
  });
  const byHand = wanted.filter(
    (finding) =>
      !isRepairedByNewPod(finding) &&
      finding.suppressed === null &&
      finding.remedy.some(({ command: typed }) => typed !== undefined),
  );
  return {
    acts: acts.toSorted((a, b) => Number(a.refused !== null) - Number(b.refused !== null)),
    byHand,
  };
}

function whyRefused(finding: Finding, known: ReadonlyMap<string, Finding>): string | null {
  if (finding.suppressed !== null) return `an exception of ${finding.suppressed.owner} covers it`;
  if (finding.state === 'pending') return 'it was seen once, and counts when the next audit sees it again';
  if (finding.notSeen) return 'the audit did not look at it';
  if (finding.confidence === 'suspected') return 'it is only suspected';
  if (finding.topic === 'connectivity') return 'only packets show it, and repairs send none';
  const cause = finding.partOf === null ? undefined : known.get(finding.partOf);
  if (cause !== undefined) return `${cause.check} is its cause, which a new pod would share`;
  return null;
}
