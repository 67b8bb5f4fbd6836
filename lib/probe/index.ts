/** The probe: its pod, how its log is read, and the evidence in it. */
export {
  type AuditRecord,
  type RunRecord,
  readArchive,
  runRecordSchema,
  type StoredEvidence,
  writeArchive,
} from './archive.ts';
export { buildEvidence } from './evidence.ts';
export { probePod, probePodName } from './pod-manifest.ts';
export { Renaming } from './rename.ts';
export { type RepairAnswer, readAnswers } from './repair-answers.ts';
export { mostObjects, type RepairPodOptions, repairPod } from './repair-pod.ts';
export { observePods } from './settle.ts';
export { type BundleFiles, unpackLog } from './unpack.ts';
