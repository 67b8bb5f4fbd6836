/** Keeps what was gathered of each node, and judges it again: offline, years later, by newer checks. */
import { keys, type Run, type Store } from '../history/index.ts';
import { AuditError } from '../model/errors.ts';
import type { Exception } from '../model/exception.ts';
import type { ClusterReport } from '../model/report.ts';
import {
  type AuditRecord,
  type RunRecord,
  readArchive,
  type StoredEvidence,
  writeArchive,
} from '../probe/index.ts';
import { type Gathering, judge } from './audit-node.ts';
import { checksFor } from './checks-for.ts';
import { concludeRun } from './conclude-run.ts';
import { assemble } from './gather-node.ts';

/** Writes the evidence of one node; what is there already stays. */
export async function keepEvidence(
  store: Store,
  run: Run,
  gathering: Gathering,
  record: RunRecord,
): Promise<void> {
  const { before, after, files, canary, coverage } = gathering;
  const archive = await writeArchive({ before, after, files, audit: { ...record, coverage, canary } });
  await store.putOnce(keys.evidence(run, before.node.name), archive);
}

/**
 * The report of one run from its evidence, node by node. `finishedAt` is when the run began: the evidence does not say
 * when it ended.
 *
 * @param archives - files of one run
 * @param previous - the report that the run was compared with; null leaves every finding new
 * @throws AuditError BUNDLE_INVALID for what is no evidence, USAGE when it is of more than one run
 */
export async function analyze(
  archives: Iterable<Uint8Array>,
  previous: (record: AuditRecord) => Promise<ClusterReport | null>,
  exceptions: readonly Exception[] = [],
): Promise<ClusterReport> {
  const results = [];
  let record: AuditRecord | null = null;
  for (const archive of archives) {
    const stored = await readArchive(archive);
    record ??= stored.audit;
    if (stored.audit.runId !== record.runId) {
      throw new AuditError(
        'USAGE',
        `the evidence is of more than one run: ${record.runId} and ${stored.audit.runId}`,
        { remedy: 'Analyze one run at a time.' },
      );
    }
    results.push(judge(gatheringOf(stored), checksFor(stored.audit.active), stored.audit.settleSeconds));
  }
  if (record === null)
    throw new AuditError('USAGE', 'no evidence was given', {
      remedy: 'Name files or a folder below evidence/ in the store.',
    });
  return concludeRun({
    record,
    finishedAt: record.startedAt,
    results,
    previous: await previous(record),
    exceptions,
  });
}

function gatheringOf({
  before,
  after,
  files,
  audit: { canary, coverage, settleSeconds },
}: StoredEvidence): Gathering {
  if (after !== null && files !== null) return assemble({ before, after, files, canary }, settleSeconds);
  return { before, after, files: null, canary, evidence: null, coverage };
}
