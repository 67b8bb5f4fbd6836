/** The probe: its pod, its bundle, and the evidence in it. */
export { buildEvidence } from './evidence.ts';
export { type ActiveProbe, DEFAULT_IMAGE, DEFAULT_NAMESPACE, probePod } from './pod-manifest.ts';
export { archiveFromLog, unpackArchive } from './unpack.ts';
