/** From a cluster of the config to a connection. */
import { type Cluster, type ClusterTarget, connect } from '../../cluster/index.ts';
import type { ClusterConfig } from '../../model/clusters.ts';
import type { AuditError } from '../../model/errors.ts';

/** What the use cases of a fleet need from outside. */
export type Connections = {
  readonly version: string;
  /** The text of a secret by its ARN. @throws AuditError AWS */
  readSecret(arn: string): Promise<string>;
  /** Told once a connection, when a request that nobody answered is tried again. */
  readonly onUnanswered?: (error: AuditError) => void;
  /** Told of what in the store is damaged, and left out. */
  readonly onDamage: (damage: AuditError) => void;
};

/** Opens a connection under the name that the config gives the cluster, and closes it after `use`. */
export async function withCluster<T>(
  config: ClusterConfig,
  connections: Connections,
  signal: AbortSignal,
  use: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { version, onUnanswered } = connections;
  const cluster = await connect(await target(config, connections), {
    version,
    signal,
    ...(onUnanswered === undefined ? {} : { onUnanswered }),
  });
  try {
    return await use({ ...cluster, name: config.name });
  } finally {
    await cluster.transport.close();
  }
}

async function target(config: ClusterConfig, connections: Connections): Promise<ClusterTarget> {
  if ('kubeconfigSecret' in config) {
    const text = await connections.readSecret(config.kubeconfigSecret);
    return {
      kind: 'kubeconfig-text',
      text,
      ...(config.context === undefined ? {} : { context: config.context }),
    };
  }
  const { name, region, roleArn, externalId } = config.eks;
  return {
    kind: 'eks',
    name,
    region,
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(externalId === undefined ? {} : { externalId }),
  };
}
