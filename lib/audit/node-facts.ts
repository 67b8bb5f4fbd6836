/** One node as a row: the input of trends, thresholds and cross-node checks. Pure. */
import { isIP } from 'node:net';
import { sameAddress } from '../computed/cidr.ts';
import { sysctlNumber } from '../computed/kernel/sysctls.ts';
import { loadedConfig } from '../computed/loaded-config.ts';
import type { Evidence, PodNetwork } from '../model/evidence.ts';
import type { Node } from '../model/kubernetes.ts';
import { ADDRESSES_OF_A_POD, type PodAddress } from '../model/node-result.ts';
import type { NodeFacts } from '../model/report.ts';

/**
 * @param pods - running and pending pods of the node
 * @param orphans - findings of namespace-orphaned on it
 */
export function nodeFacts(node: Node, pods: number, evidence: Evidence, orphans: number): NodeFacts {
  const namespaces = evidence.namespaces.status === 'present' ? evidence.namespaces.value : null;
  const config = evidence.cniConfig.status === 'present' ? loadedConfig(evidence.cniConfig.value) : undefined;
  const kernel = evidence.kernel.status === 'present' ? evidence.kernel.value : null;
  return {
    node: node.name,
    pods,
    namespaces: namespaces === null ? null : namespaces.filter((namespace) => !namespace.host).length,
    orphans: namespaces === null ? null : orphans,
    limit: kernel === null ? null : sysctlNumber(kernel, 'user.max_net_namespaces'),
    kernel: node.kernelVersion,
    runtime: node.containerRuntime,
    cni: config?.plugins[0] ?? null,
    osImage: node.osImage,
    ami:
      node.labels['eks.amazonaws.com/nodegroup-image'] ??
      node.labels['karpenter.k8s.aws/instance-ami-id'] ??
      null,
    instanceType: node.labels['node.kubernetes.io/instance-type'] ?? null,
    zone: node.labels['topology.kubernetes.io/zone'] ?? null,
    nodegroup: node.labels['eks.amazonaws.com/nodegroup'] ?? node.labels['karpenter.sh/nodepool'] ?? null,
    probeMs: evidence.probeMilliseconds,
  };
}

/**
 * Addresses on the main interface of settled pods' namespaces: per pod at most one more than are compared, so
 * that an excess is visible.
 */
export function podAddresses(evidence: Evidence): PodAddress[] {
  if (evidence.podNetworks.status !== 'present') return [];
  return evidence.podNetworks.value.flatMap((network) => {
    const { stack, namespace, pod } = network;
    if (stack === null || namespace === null) return [];
    return stack.addresses
      .filter(
        ({ link, scope, address }) =>
          link === network.interface && scope === 'global' && isIP(address) !== 0 && !address.includes('%'),
      )
      .slice(0, ADDRESSES_OF_A_POD + 1)
      .map(({ address }) => ({
        address,
        node: evidence.nodeName,
        pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
        namespace,
        network: networkName(network),
        inPodStatus: pod.podIPs.some((ip) => sameAddress(ip, address)),
        createdAt: network.sandbox.createdAt ?? pod.createdAt,
        podCreatedAt: pod.createdAt,
      }));
  });
}

/** As the CNI specification spells network names; the node may print anything. */
function networkName({ results, plugin }: PodNetwork): string {
  const name = results[0]?.network ?? plugin ?? '';
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(name) ? name : 'unknown';
}
