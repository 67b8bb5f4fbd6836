/** Which object a finding is about, and the same finding's name in every run. */
import { createHash } from 'node:crypto';
import type { AuditedObject } from '../model/finding.ts';

/** One string for one object; equal for the same object in every run, whatever its uid or inode. */
export function objectKey(object: AuditedObject): string {
  return [object.kind, object.namespace ?? '', object.name, object.node ?? '', object.path ?? ''].join('|');
}

/**
 * Names a finding across runs and clusters: cluster, check and object, no time, no inode, no uid. A pod's node is left
 * out, as a StatefulSet's pod keeps its identity when it moves.
 *
 * @param check - of a check that was renamed, its first name
 */
export function fingerprint(cluster: string, check: string, object: AuditedObject): string {
  const { node: _, ...withoutNode } = object;
  const key = objectKey(object.kind === 'pod' ? withoutNode : object);
  return createHash('sha256')
    .update(JSON.stringify([cluster, check, key]))
    .digest('hex')
    .slice(0, 32);
}
