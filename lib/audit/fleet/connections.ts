/** From a cluster of the config to a connection. */
import { homedir } from 'node:os';
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

/** @throws AuditError AWS where its kubeconfig is in a secret that cannot be read */
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
    const { context, file } = config.kubeconfig;
    return {
      kind: 'kubeconfig',
      context,
      ...(file === undefined ? {} : { file: file.replace(/^~(?=\/)/, homedir()) }),
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
