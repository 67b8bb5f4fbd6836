/** Which workload a pod is of, as far as its name says. */
import type { AuditedObject } from '../model/finding.ts';

/** What Kubernetes names by chance: no vowels, so that no words come about (k8s.io/apimachinery/pkg/util/rand). */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
/** `web-7d4b9c6f5-x2x5k` of a Deployment, `proxy-x2x5k` of a DaemonSet or Job, `db-0` of a StatefulSet. */
const NAMED = new RegExp(`^(.+?)(?:-${RANDOM}{4,10})?-(?:${RANDOM}{5}|\\d{1,4})$`);

/** `web` for the pod `web-7d4b9c6f5-x2x5k`; empty for what is no pod, or is named like none of a controller. */
export function workloadOf({ kind, name }: AuditedObject): string {
  return kind === 'pod' && name.length <= 253 ? (NAMED.exec(name)?.[1] ?? '') : '';
}
