/**
 * The kubeconfig of a cluster of the config. Apart from connections.ts, as the functions that write reports
 * have no client of Kubernetes in their bundles.
 */
import { homedir } from 'node:os';
import type { ClusterConfig } from '../../model/clusters.ts';
import { type KubectlOptions, kubectlOptions } from '../../model/kubectl.ts';

/** The file and context of a cluster of this machine's kubeconfig. */
export function kubeconfigOf({
  kubeconfig: { context, file },
}: Extract<ClusterConfig, { kubeconfig: unknown }>): {
  readonly context: string;
  readonly file?: string;
} {
  return { context, ...(file === undefined ? {} : { file: file.replace(/^~(?=\/)/, homedir()) }) };
}

/** How kubectl reaches a cluster of the config; null if it has no kubeconfig of the user's. */
export function kubectlOf(config: ClusterConfig): KubectlOptions | null {
  return 'kubeconfig' in config ? kubectlOptions(kubeconfigOf(config)) : null;
}
