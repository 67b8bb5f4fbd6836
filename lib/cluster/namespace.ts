/** The namespace of the probe pods. */
import { AuditError } from '../model/errors.ts';
import { OWN_LABEL } from '../model/own-pods.ts';
import { statusOf } from './api-error.ts';
import type { Cluster } from './connect.ts';

const level = 'privileged';

/** Whether there is a namespace of that name. @throws AuditError CLUSTER_*, ABORTED */
export async function hasNamespace(cluster: Cluster, name: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await cluster.transport.json({
      path: `/api/v1/namespaces/${encodeURIComponent(name)}`,
      what: `get namespace ${name}`,
      ...(signal === undefined ? {} : { signal }),
    });
    return true;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    return false;
  }
}

/**
 * Creates the namespace if it is missing. @returns whether it was created.
 * @throws AuditError CLUSTER_*, ABORTED
 */
export async function ensureNamespace(
  cluster: Cluster,
  name: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (await hasNamespace(cluster, name, signal)) return false;
  try {
    await cluster.transport.json({
      method: 'POST',
      path: '/api/v1/namespaces',
      what: `create namespace ${name}`,
      body: {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: {
          name,
          labels: {
            [OWN_LABEL.name]: OWN_LABEL.value,
            'pod-security.kubernetes.io/enforce': level,
            'pod-security.kubernetes.io/audit': level,
            'pod-security.kubernetes.io/warn': level,
          },
        },
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return true;
  } catch (error) {
    if (statusOf(error) === 409) return false;
    if (statusOf(error) === 403) {
      throw new AuditError(
        'CLUSTER_FORBIDDEN',
        `the namespace ${name} is missing, and you may not create it`,
        {
          cause: error,
          remedy:
            'Ask an administrator to apply what is needed (with the chart: helm upgrade): netns-audit manifests | kubectl apply -f -',
        },
      );
    }
    throw error;
  }
}
