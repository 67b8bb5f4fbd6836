/** Opens a connection to a cluster of the config. */
import { type Cluster, type ClusterTarget, connect } from '../../cluster/index.ts';
import type { ClusterConfig } from '../../model/clusters.ts';
import type { AuditError } from '../../model/errors.ts';
import { kubeconfigOf } from './kubeconfig.ts';

/** External dependencies of the fleet use cases. */
export type Connections = {
  readonly version: string;
  /** The text of a secret by its ARN. @throws AuditError AWS */
  readSecret(arn: string): Promise<string>;
  /** Called once per connection, when an unanswered request is retried. */
  readonly onUnanswered?: (error: AuditError) => void;
  /** Called for damaged parts of the store, which are left out. */
  readonly onDamage: (damage: AuditError) => void;
};

/**
 * Opens a connection under the cluster's name in the config, and closes it after `use`.
 * @throws AuditError as {@link connect}, and what `use` throws
 */
export async function withCluster<T>(
  config: ClusterConfig,
  connections: Connections,
  signal: AbortSignal,
  use: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const { version, onUnanswered } = connections;
  const cluster = await connect(await targetOf(config, connections), {
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

/** @throws AuditError AWS where the secret with its kubeconfig cannot be read */
export async function targetOf(
  config: ClusterConfig,
  { readSecret }: Pick<Connections, 'readSecret'>,
): Promise<ClusterTarget> {
  if ('kubeconfigSecret' in config) {
    const text = await readSecret(config.kubeconfigSecret);
    return {
      kind: 'kubeconfig-text',
      text,
      ...(config.context === undefined ? {} : { context: config.context }),
    };
  }
  if ('kubeconfig' in config) {
    return { kind: 'kubeconfig', ...kubeconfigOf(config) };
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
