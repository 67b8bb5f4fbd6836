/** The object of a finding, and the finding's name across runs. */
import { createHash } from 'node:crypto';
import type { AuditedObject, Finding } from '../model/finding.ts';

/** One string for one object; equal for the same object in every run, whatever its uid or inode. */
export function objectKey(object: AuditedObject): string {
  return [object.kind, object.namespace ?? '', object.name, object.node ?? '', object.path ?? ''].join('|');
}

/** The two possible names of a fault: `wherever` its pod is, or `here`, on its node only. The same for all but pods. */
export type Fingerprints = { readonly wherever: string; readonly here: string };

/**
 * Names a finding across runs and clusters: cluster, check and object, no time, no inode, no uid.
 *
 * @param check - for a renamed check, its first name
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

/** A fault without a name yet. */
export type Unnamed = {
  readonly object: AuditedObject;
  readonly fingerprints: Fingerprints;
  /** The API lists the pod on this node only: a StatefulSet's pod keeps its identity when it moves. */
  readonly moves: boolean;
};

/**
 * The fingerprint of each fault. A fault that an earlier report has for the same object and node keeps the name
 * it has there: which of the two it gets may differ between runs, and did in earlier versions. So no node can change
 * the history of another's finding.
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
