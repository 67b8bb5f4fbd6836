/**
 * The report as JUnit XML, for CI servers: a suite for each topic and one for the nodes. An active finding
 * fails, an unknown is an error, and pods not judged, excepted findings and pending ones are skipped.
 */
import type { Finding } from '../model/finding.ts';
import { objectName } from '../model/finding.ts';
import { printable } from '../model/printable.ts';
import type { CheckCoverage, ClusterReport, NodeCoverage } from '../model/report.ts';
import { xmlText } from './escape.ts';
import { plural } from './summary.ts';

type CaseResult = {
  readonly element: 'failure' | 'error' | 'skipped';
  readonly type: string;
  readonly message: string;
  readonly body: string;
};
type TestCase = { readonly classname: string; readonly name: string; readonly result: CaseResult | null };

/** The whole document, with the report's text escaped. */
export function writeJunit(report: ClusterReport): string {
  const seconds = ((Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000).toFixed(3);
  const byCheck = Map.groupBy(report.findings, (finding) => finding.check);
  const suites: (readonly [string, TestCase[]])[] = [['nodes', report.coverage.nodes.map(nodeCase)]];
  const byTopic = Map.groupBy(report.coverage.checks, (check) => check.topic);
  for (const [topic, checks] of byTopic)
    suites.push([topic, checks.flatMap((check) => checkCases(check, byCheck.get(check.check) ?? []))]);
  // Findings of a check that did not run this time are carried over, and belong to no coverage.
  const covered = new Set(report.coverage.checks.map((check) => check.check));
  const carried = report.findings.filter((finding) => !covered.has(finding.check));
  if (carried.length > 0) suites.push(['not examined', carried.map(findingCase)]);

  const all = suites.flatMap(([, cases]) => cases);
  const name = xmlText(report.cluster.name, 300);
  const out = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${name}" tests="${all.length}" failures="${count(all, 'failure')}" ` +
      `errors="${count(all, 'error')}" time="${seconds}">`,
  ];
  for (const [suite, cases] of suites) {
    const counts =
      `tests="${cases.length}" failures="${count(cases, 'failure')}" errors="${count(cases, 'error')}" ` +
      `skipped="${count(cases, 'skipped')}"`;
    out.push(
      `  <testsuite name="${xmlText(suite)}" ${counts} time="0" timestamp="${xmlText(report.startedAt.slice(0, 19))}" hostname="${name}">`,
      ...cases.map(caseLine),
      '  </testsuite>',
    );
  }
  out.push('</testsuites>');
  return `${out.join('\n')}\n`;
}

function checkCases(check: CheckCoverage, findings: readonly Finding[]): TestCase[] {
  const cases = findings.map(findingCase);
  const passed = check.examined - check.failed;
  const reasons = printable(check.reasons.join('; ')) || 'no reason given';
  if (check.unknown > 0) {
    const message = `${plural(check.unknown, 'object')} could not be judged: ${reasons}`;
    const result: CaseResult = { element: 'error', type: 'unknown', message, body: message };
    cases.push({ classname: check.check, name: 'could not be decided', result });
  }
  if (passed > 0)
    cases.push({ classname: check.check, name: `${plural(passed, 'object')} passed`, result: null });
  else if (cases.length === 0) {
    const result: CaseResult = { element: 'skipped', type: 'not applicable', message: reasons, body: '' };
    cases.push({ classname: check.check, name: 'not applicable', result });
  }
  return cases;
}

function findingCase(finding: Finding): TestCase {
  const body = [
    finding.detail,
    ...finding.evidence.map(
      ({ what, expected, actual, source }) =>
        `- ${what}: ${expected === undefined ? '' : `expected ${expected}, `}found ${actual} [${source}]`,
    ),
    ...finding.remedy.flatMap(({ text, command }) => [
      text,
      ...(command === undefined ? [] : [`  $ ${command}`]),
    ]),
  ]
    .map((line) => printable(line, 4000))
    .join('\n');
  const waits = finding.suppressed === null && finding.state === 'pending';
  const skipped =
    finding.suppressed !== null
      ? `suppressed until ${finding.suppressed.expires}: ${finding.suppressed.reason} (${finding.suppressed.owner})`
      : waits
        ? `${finding.title}: seen once; reported if the next audit confirms it`
        : null;
  return {
    classname: finding.check,
    name: objectName(finding.object),
    result: {
      element: skipped === null ? 'failure' : 'skipped',
      type: finding.severity,
      message: skipped ?? `${finding.title}: ${finding.detail}`,
      body,
    },
  };
}

function nodeCase({ node, result, reason, remedy }: NodeCoverage): TestCase {
  if (result === 'audited') return { classname: 'nodes', name: node, result: null };
  const message = `${result}: ${reason ?? 'no reason given'}`;
  const element = result === 'skipped' ? 'skipped' : 'error';
  return {
    classname: 'nodes',
    name: node,
    result: { element, type: result, message, body: printable(remedy ?? '') },
  };
}

function caseLine({ classname, name, result }: TestCase): string {
  const start = `    <testcase classname="${xmlText(classname)}" name="${xmlText(name, 500)}" time="0"`;
  if (result === null) return `${start}/>`;
  const { element, type, message, body } = result;
  return `${start}><${element} type="${xmlText(type)}" message="${xmlText(message, 500)}">${body
    .split('\n')
    .map((line) => xmlText(line, 4000))
    .join('\n')}</${element}></testcase>`;
}

function count(cases: readonly TestCase[], element: CaseResult['element']): number {
  return cases.filter(({ result }) => result?.element === element).length;
}
