/** What a record of a repair says beside its act and its objects. */
import type { RepairRecord } from '../../lib/model/repair-record.ts';

export const record: Omit<
  RepairRecord,
  'act' | 'pod' | 'node' | 'objects' | 'namespaces' | 'repairNamespace'
> = {
  schemaVersion: 1,
  kind: 'RemedyRecord',
  runId: '20261129T210000Z-1a2b3c4d',
  cluster: 'prod-eu',
  clusterUid: 'uid',
  checks: [],
  by: 'ann',
  at: '2026-11-29T21:00:00.000Z',
  phase: 'done',
  outcome: null,
};
