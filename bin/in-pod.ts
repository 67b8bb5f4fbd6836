/** What differs where the audit runs in a pod with its service account, as by the Helm chart. */
import type { Store } from '../lib/history/index.ts';
import { command } from '../lib/model/shell.ts';

/**
 * The command that shows the report: the pod's log has it, and a volume can be read by a pod only. Null where the store
 * is a bucket, or nobody has named the pod.
 */
export function logCommand(
  { location }: Pick<Store, 'location'>,
  { POD_NAMESPACE: namespace, POD_NAME: pod }: NodeJS.ProcessEnv,
): string | null {
  if (location.startsWith('s3://') || !namespace || !pod) return null;
  return command('kubectl', '-n', namespace, 'logs', pod);
}
