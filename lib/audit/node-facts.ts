/** One node in a row: what trends, thresholds and cross-node checks go by. Pure. */
import { sameAddress } from '../checks/cidr.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Node } from '../model/kubernetes.ts';
import type { CheckFailure, PodAddress } from '../model/node-result.ts';
import type { NodeFacts } from '../model/report.ts';

export function nodeFacts(
  node: Node,
  pods: number,
  evidence: Evidence,
  failures: readonly CheckFailure[],
): NodeFacts {
  const namespaces = evidence.namespaces.status === 'present' ? evidence.namespaces.value : null;
  const config = evidence.cniConfig.status === 'present' ? evidence.cniConfig.value : null;
  const limit =
    evidence.kernel.status === 'present'
      ? evidence.kernel.value.sysctls['user.max_net_namespaces']
      : undefined;
  return {
    node: node.name,
    pods,
    namespaces: namespaces === null ? null : namespaces.filter((namespace) => !namespace.host).length,
    orphans:
      namespaces === null
        ? null
        : failures.filter((failure) => failure.check === 'namespace-orphaned').length,
    limit: limit === undefined ? null : Number.parseInt(limit, 10),
    kernel: node.kernelVersion,
    runtime: node.containerRuntime,
    cni: config?.files.find((file) => file.error === null)?.plugins[0] ?? null,
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

/** Every address that a settled pod's namespace holds on its main interface. */
export function podAddresses(evidence: Evidence): PodAddress[] {
  if (evidence.podNetworks.status !== 'present') return [];
  return evidence.podNetworks.value.flatMap((network) => {
    const { stack, namespace, pod } = network;
    if (stack === null || namespace === null) return [];
    return stack.addresses
      .filter((address) => address.link === network.interface && address.scope === 'global')
      .map((address) => ({
        address: address.address,
        node: evidence.nodeName,
        pod: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
        namespace,
        network: network.results[0]?.network ?? network.plugin ?? 'unknown',
        inPodStatus: pod.podIPs.some((ip) => sameAddress(ip, address.address)),
        createdAt: network.sandbox.createdAt ?? pod.createdAt,
      }));
  });
}
