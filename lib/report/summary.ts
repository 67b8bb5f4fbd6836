/** A report in numbers and one sentence, shared by all writers. */
import { clusterSummary } from '../model/cluster-summary.ts';
import { isCounted, severities } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { ClusterReport, NodeCoverage } from '../model/report.ts';

/** `1 node`, `1,200 nodes`. @param many - the plural, if irregular */
export function plural(
  count: number,
  word: string,
  many = word.endsWith('s') ? `${word}es` : `${word}s`,
): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? word : many}`;
}

/** `2 critical, 1 high (1 of them shown under its cause)`; empty if there are no active findings. */
export function severityCounts(report: ClusterReport): string {
  const { findings } = clusterSummary(report);
  const bySeverity = severities
    .filter((severity) => findings[severity] > 0)
    .map((severity) => `${findings[severity]} ${severity}`)
    .join(', ');
  const explained = report.findings.filter((each) => isCounted(each) && each.partOf !== null).length;
  return explained === 0
    ? bySeverity
    : `${bySeverity} (${explained} of them shown under ${explained === 1 ? 'its cause' : 'their causes'})`;
}

/** `3 nodes audited, 1 failed; 120 pods; 71 checks, 2 unknown`; says so if the cluster has no nodes. */
export function coverageLine(report: ClusterReport): string {
  const { nodes, checks } = report.coverage;
  if (nodes.length === 0) return 'the cluster has no nodes: there is nothing to audit';
  const of = (result: NodeCoverage['result']): number =>
    nodes.filter((node) => node.result === result).length;
  const rest = (['partial', 'failed', 'skipped'] as const)
    .filter((result) => of(result) > 0)
    .map((result) => `, ${of(result)} ${result}`);
  const unknown = checks.filter((check) => check.unknown > 0).length;
  const pods = report.nodes.reduce((sum, node) => sum + node.pods, 0);
  return (
    `${plural(of('audited'), 'node')} audited${rest.join('')}; ${plural(pods, 'pod')}; ` +
    `${plural(checks.length, 'check')}${unknown > 0 ? `, ${unknown} unknown` : ''}`
  );
}

/** Why the Services of broken pods are unknown; null if they are known, or no pod is broken. */
export function unknownServices({ coverage, findings }: ClusterReport): string | null {
  const { servicesUnread } = coverage;
  if (servicesUnread === undefined || !findings.some(({ object }) => object.kind === 'pod')) return null;
  return `Which Services broken pods still serve is unknown: ${printable(servicesUnread, 300)}`;
}

/** Pods to name per reason. */
const NAMED = 3;

/**
 * Which pods were not judged and why, and what to do for young ones; null if all were.
 *
 * @param inPod - a pod prints it: nobody can give its audit other options
 */
export function unjudgedPods(
  { coverage: { young, unjudged } }: ClusterReport,
  inPod: boolean = false,
): string | null {
  const all = inPod ? '' : ` ${ALL}`;
  if (unjudged === undefined)
    return young === undefined
      ? null
      : `${notJudged(young.pods, `pod younger than ${young.seconds} seconds`, `pods younger than ${young.seconds} seconds`)}.${all}`;
  const reasons = unjudged.map(({ reason, pods, named }) => {
    const shown = named.slice(0, NAMED).map((name) => printable(name, 320));
    const rest = pods - shown.length;
    return (
      `${shown.join(', ')}${rest > 0 ? ` and ${rest.toLocaleString('en-US')} more` : ''} ` +
      `(${printable(reason, 100).replace(/^it is /, '')})`
    );
  });
  const sum = unjudged.reduce((all, { pods }) => all + pods, 0);
  return `${notJudged(sum, 'pod')}: ${reasons.join('; ')}.${young === undefined ? '' : all}`;
}

const ALL = '--settle 0s judges all pods and leftovers, however young.';

function notJudged(count: number, one: string, many = `${one}s`): string {
  return `${plural(count, one, many)} ${count === 1 ? 'was' : 'were'} not judged`;
}

/** Duration of the run in seconds. */
export function duration(report: ClusterReport): string {
  const seconds = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000;
  return seconds < 0.1 ? 'less than 0.1 s' : `${seconds.toFixed(1)} s`;
}

/** `2026-11-29 05:27 UTC` for an ISO time. */
export function minute(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-29 05:27:31 UTC` for an ISO time. */
export function second(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Sends packets as well. */
export const ACTIVE = 'netns-audit audit --active ping,dns';

/** Says that faults visible only to packets were not checked; null if packets were sent. */
export function unsent({ coverage }: ClusterReport, inPod: boolean = false): string | null {
  return coverage.nodes.length === 0 || coverage.checks.some(({ topic }) => topic === 'connectivity')
    ? null
    : `No packets were sent.${inPod ? '' : ` To send some: ${ACTIVE}`}`;
}
