/** Runs the command line as a user would, and reads its report. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from '../../lib/model/finding.ts';
import { type ClusterReport, reportSchema } from '../../lib/model/report.ts';
import { type RunOptions, type RunResult, run } from './run.ts';

/** The command line, as users start it: with compiled code kept between runs. */
export const program = fileURLToPath(new URL('../../bin/netns-audit.js', import.meta.url));

/** Any command of the tool. */
export function netnsAudit(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return run(process.execPath, [program, ...args], options);
}

export type Audit = {
  readonly exitCode: number;
  readonly stderr: string;
  /** Throws the tool's output if it printed no report. */
  readonly report: ClusterReport;
};

/** Where each audit leaves its store, to inspect the evidence; unset: nowhere. */
const stores = process.env.NETNS_AUDIT_E2E_STORES;

/** One audit that judges at once (--settle 0s), with its own store unless `store` is given. */
export async function audit(
  args: readonly string[] = [],
  options: RunOptions & { store?: string } = {},
): Promise<Audit> {
  const store = options.store ?? (await mkdtemp(join(stores ?? tmpdir(), 'netns-audit-e2e-')));
  try {
    const result = await netnsAudit(
      ['audit', '--store', store, '-o', 'json', '--settle', '0s', ...imageOption(args), ...args],
      options,
    );
    return {
      exitCode: result.exitCode,
      stderr: result.stderr,
      get report() {
        if (result.stdout.trim() === '')
          throw new Error(`no report, exit ${result.exitCode}: ${result.stderr}`);
        return reportSchema.parse(JSON.parse(result.stdout));
      },
    };
  } finally {
    if (options.store === undefined && stores === undefined)
      await rm(store, { recursive: true, force: true });
  }
}

function imageOption(args: readonly string[]): readonly string[] {
  const image = process.env.NETNS_AUDIT_E2E_IMAGE;
  return image === undefined || args.includes('--image') ? [] : ['--image', image];
}

/** A finding in one line, so that a failed assertion reads well. */
export function summary(finding: Finding): string {
  const { kind, namespace, name, node, path } = finding.object;
  const where = [namespace === undefined ? name : `${namespace}/${name}`, path, node].filter(
    (x) => x !== undefined,
  );
  return `${finding.severity} ${finding.check} ${kind} ${where.join(' ')}: ${finding.detail}`;
}

const disregarded = process.env.NETNS_AUDIT_E2E_DISREGARD;

/**
 * Findings that the cluster did not have before the tests. On a cluster that others break at the same time,
 * NETNS_AUDIT_E2E_DISREGARD is a regular expression for their findings.
 */
export function newFindings(report: ClusterReport, baseline: ReadonlySet<string>): readonly Finding[] {
  return report.findings.filter(
    (finding) =>
      !baseline.has(finding.fingerprint) &&
      (disregarded === undefined || !new RegExp(disregarded).test(summary(finding))),
  );
}

/** Why a report is incomplete: nodes and checks with unknowns. */
export function gaps(report: ClusterReport): readonly string[] {
  return [
    ...report.coverage.nodes
      .filter((node) => node.result !== 'audited')
      .map((node) => `node ${node.node} ${node.result}: ${node.reason}`),
    ...report.coverage.checks
      .filter((check) => check.unknown > 0)
      .map((check) => `check ${check.check}: ${check.unknown} unknown: ${check.reasons.join('; ')}`),
  ];
}
