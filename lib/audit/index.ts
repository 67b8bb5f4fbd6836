/** The use cases: audit a cluster, judge kept evidence again, keep the results. */

export { reportOfRun } from '../history/index.ts';
export { answerWord } from './answer-word.ts';
export { type AuditOptions, auditCluster, type Progress } from './audit-cluster.ts';
export { coverReport } from './cover-report.ts';
export { judgeRecorded, publishMonth, recordedReports } from './demo.ts';
export { analyze, keepEvidence } from './evidence-files.ts';
export { PACE } from './pace.ts';
export { checkPages } from './page-options.ts';
export { publish } from './publish.ts';
export { recordedBare } from './recreate-recorded.ts';
export { carryOutAll, withoutNamespace } from './remediate.ts';
export { renameEvidence } from './rename-evidence.ts';
export type { ActResult } from './repair-act.ts';
export { halfDone, recentDays, recordsOfRun, recordsSince } from './repair-records.ts';
export { begunSentence, settleHalfDone } from './settle-repairs.ts';
export { assertThere, defaultStore, openStore } from './stores.ts';
export { tell } from './tell.ts';
