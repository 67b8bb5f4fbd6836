/** Which object a finding is about, and the same finding's name in every run. */
import { createHash } from 'node:crypto';
import type { AuditedObject, Finding } from '../model/finding.ts';

/** One string for one object; equal for the same object in every run, whatever its uid or inode. */
export function objectKey(object: AuditedObject): string {
  return [object.kind, object.namespace ?? '', object.name, object.node ?? '', object.path ?? ''].join('|');
}

/** The names that one fault can have: `wherever` its pod is, or `here`, on its node only. Alike for all but pods. */
export type Fingerprints = { readonly wherever: string; readonly here: string };

/**
 * Names a finding across runs and clusters: cluster, check and object, no time, no inode, no uid.
 *
 * @param check - of a check that was renamed, its first name
 */
export function fingerprintsOf(cluster: string, check: string, object: AuditedObject): Fingerprints {
  const here = hash([cluster, check, objectKey(object)]);
  if (object.kind !== 'pod') return { wherever: here, here };
  const { node: _, ...withoutNode } = object;
  return { wherever: hash([cluster, check, objectKey(withoutNode)]), here };
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** A fault that is to get its name. */
export type Unnamed = {
  readonly object: AuditedObject;
  readonly fingerprints: Fingerprints;
  /** The API says that the pod is on this node and on no other: a StatefulSet's pod keeps its identity when it moves. */
  readonly moves: boolean;
};

/**
 * The fingerprint of each fault. What an earlier report knows of the same object on the same node goes on under the name
 * that it has there: which of the two it gets may differ from run to run, and did differ in earlier versions. No node gets
 * at the history of another's finding that way.
 */
export function namesOf(
  faults: readonly Unnamed[],
  earlier: ReadonlyMap<string, Pick<Finding, 'object'>>,
): string[] {
  const own = faults.map(({ fingerprints, moves }) => (moves ? fingerprints.wherever : fingerprints.here));
  const taken = new Set(own);
  return faults.map(({ object, fingerprints, moves }, index) => {
    const name = own[index] ?? fingerprints.here;
    const other = moves ? fingerprints.here : fingerprints.wherever;
    const isKnown = (fingerprint: string) => {
      const before = earlier.get(fingerprint);
      return before !== undefined && objectKey(before.object) === objectKey(object);
    };
    return !isKnown(name) && isKnown(other) && !taken.has(other) ? other : name;
  });
}
