/** The probe: its pod, the way back from its log, and the evidence in it. */
export {
  type AuditRecord,
  type RunRecord,
  readArchive,
  runRecordSchema,
  type StoredEvidence,
  writeArchive,
} from './archive.ts';
export { buildEvidence, type EvidenceInput } from './evidence.ts';
export {
  type ActiveProbe,
  CAPABILITIES,
  type ProbePod,
  type ProbePodOptions,
  probePod,
  probePodName,
} from './pod-manifest.ts';
export { isOwnPod, observePods } from './settle.ts';
export { archiveFromLog, type BundleFiles, unpackArchive, unpackLog } from './unpack.ts';
