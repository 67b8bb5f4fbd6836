/** Whether the previous audit checked an object, so that a fault that it did not find was not there yet. Pure. */
import { type AuditedObject, nodeOf } from '../model/finding.ts';
import { namespacedName } from '../model/namespaced-name.ts';
import type { ClusterReport } from '../model/report.ts';

/**
 * When the previous audit began, if it checked this object; null if there was none, it could not read the object's
 * node, the check was in doubt about anything, or the pod may have been too young to be judged.
 */
export function lastWithout(
  previous: ClusterReport | null,
): (check: string, object: AuditedObject) => string | null {
  if (previous === null) return () => null;
  const { nodes, checks, young, unjudged = [] } = previous.coverage;
  const audited = new Set(nodes.flatMap(({ node, result }) => (result === 'audited' ? [node] : [])));
  const sure = new Set(checks.flatMap(({ check, unknown }) => (unknown === 0 ? [check] : [])));
  const notJudged = new Set(unjudged.flatMap(({ named }) => named));
  const isNamed = unjudged.every(({ pods, named }) => pods <= named.length);
  const unnamed = (young !== undefined && unjudged.length === 0) || !isNamed;
  const wasJudged = (object: AuditedObject): boolean =>
    object.kind !== 'pod' || !(unnamed || notJudged.has(namespacedName(object)));
  const wasRead = (node: string): boolean =>
    node === '' ? audited.size === nodes.length : audited.has(node);
  return (check, object) =>
    sure.has(check) && wasRead(nodeOf({ object })) && wasJudged(object) ? previous.startedAt : null;
}
