/** Keeps the evidence of each node, and judges it again: offline, years later, with newer checks. */
import { keys, type Run, type Store } from '../history/index.ts';
import { AuditError } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { NodeResult } from '../model/node-result.ts';
import type { ClusterReport } from '../model/report.ts';
import { type AuditRecord, type RunRecord, writeArchive } from '../probe/index.ts';
import { checksFor } from './checks-for.ts';
import { concludeRun } from './conclude-run.ts';
import { Judge } from './judge.ts';
import { type BundleAnswer, notJudged, type Unpacked } from './judge-bundle.ts';
import { failedCoverage, type Gathered, judgeByApi } from './judge-node.ts';

/** Writes the evidence of one node; existing evidence stays. @throws AuditError STORE */
export async function keepEvidence(
  store: Store,
  run: Run,
  gathered: Gathered,
  record: RunRecord,
): Promise<void> {
  const { before, after, files, canary, coverage } = gathered;
  const archive = await writeArchive({ before, after, files, audit: { ...record, coverage, canary } });
  await store.putOnce(keys.evidence(run, before.node.name), archive);
}

/** Results from the evidence of one run, before any comparison. */
export type JudgedAgain = { readonly record: AuditRecord; readonly results: readonly NodeResult[] };

/**
 * Builds one run's report from its evidence, node by node. `finishedAt` is when the run began: the evidence
 * does not say when it ended.
 *
 * @param archives - files of one run
 * @param previous - the report that the run was compared with; null leaves every finding new
 * @throws AuditError BUNDLE_INVALID for files that are no evidence, USAGE for more than one run
 */
export async function analyze(
  archives: Iterable<Uint8Array>,
  previous: (record: AuditRecord) => Promise<ClusterReport | null>,
  exceptions: readonly Exception[] = [],
): Promise<ClusterReport> {
  const { record, results } = await judgeAgain(archives);
  return concludeRun({
    record,
    finishedAt: record.startedAt,
    results,
    previous: await previous(record),
    exceptions,
  });
}

/** Judges the evidence of one run, node by node. @throws AuditError as {@link analyze} */
export async function judgeAgain(archives: Iterable<Uint8Array>): Promise<JudgedAgain> {
  const results = [];
  let record: AuditRecord | null = null;
  const judge = new Judge();
  try {
    for (const archive of archives) {
      const { unpacked, answer } = await judge.judge({ kind: 'archive', archive });
      const stored = unpacked?.stored ?? null;
      if (stored === null) throw errorOf(answer);
      record ??= stored.audit;
      if (stored.audit.runId !== record.runId) {
        throw new AuditError(
          'USAGE',
          `the evidence is of more than one run: ${record.runId} and ${stored.audit.runId}`,
          { remedy: 'Analyze one run at a time.' },
        );
      }
      results.push(answer.kind === 'judged' ? answer.result : notJudgedAgain(stored, errorOf(answer)));
    }
  } finally {
    judge.close();
  }
  if (record === null)
    throw new AuditError('USAGE', 'no evidence was given', {
      remedy: 'Name files or a folder below evidence/ in the store.',
    });
  return { record, results };
}

function errorOf(answer: BundleAnswer): AuditError {
  return answer.kind === 'failed' ? new AuditError(answer.code, answer.message, answer) : notJudged('');
}

/** The run itself may have judged it without error: checks and limits are today's. */
function notJudgedAgain(
  { before, after, audit }: NonNullable<Unpacked['stored']>,
  error: AuditError,
): NodeResult {
  const coverage = failedCoverage(before.node.name, error);
  return judgeByApi({ before, after, coverage }, checksFor(audit.active), audit.settleSeconds);
}
