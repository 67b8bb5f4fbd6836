/** The workload of a pod, as far as its name shows. */
import type { AuditedObject } from './finding.ts';

/** Alphabet of Kubernetes' random names: no vowels, so that no words appear (k8s.io/apimachinery/pkg/util/rand). */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
/** `web-7d4b9c6f5-x2x5k` from a Deployment, `proxy-x2x5k` from a DaemonSet or Job, `db-0` from a StatefulSet. */
const NAMED = new RegExp(`^(.+?)(?:-${RANDOM}{4,10})?-(?:${RANDOM}{5}|\\d{1,4})$`);

/** `web` for the pod `web-7d4b9c6f5-x2x5k`; empty if it is not a pod, or its name matches no controller. */
export function workloadOf({ kind, name }: Pick<AuditedObject, 'kind' | 'name'>): string {
  return kind === 'pod' && name.length <= 253 ? (NAMED.exec(name)?.[1] ?? '') : '';
}
