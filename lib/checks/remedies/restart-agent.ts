/** Which DaemonSet puts a CNI plugin on a node: it installs binary and configuration whenever its pod starts. */
import type { RemedyStep } from '../../model/finding.ts';
import { command, repair } from './steps.ts';

export type Agent = { readonly name: string; readonly namespace: string; readonly selector: string };

const agents: Readonly<Record<string, Agent>> = {
  'aws-cni': { name: 'aws-node', namespace: 'kube-system', selector: 'k8s-app=aws-node' },
  'egress-cni': { name: 'aws-node', namespace: 'kube-system', selector: 'k8s-app=aws-node' },
  calico: { name: 'calico-node', namespace: 'calico-system', selector: 'k8s-app=calico-node' },
  'calico-ipam': { name: 'calico-node', namespace: 'calico-system', selector: 'k8s-app=calico-node' },
  'cilium-cni': { name: 'cilium', namespace: 'kube-system', selector: 'k8s-app=cilium' },
  flannel: { name: 'kube-flannel', namespace: 'kube-flannel', selector: 'app=flannel' },
  multus: { name: 'multus', namespace: 'kube-system', selector: 'app=multus' },
  'multus-shim': { name: 'multus', namespace: 'kube-system', selector: 'app=multus' },
  'istio-cni': { name: 'istio-cni', namespace: 'istio-system', selector: 'k8s-app=istio-cni-node' },
};

/** The agent of a plugin type; undefined where none is known (bridge, ptp, portmap … come with the node's image). */
export function agentOf(plugin: string): Agent | undefined {
  return Object.hasOwn(agents, plugin) ? agents[plugin] : undefined;
}

/** Restarts the plugin's agent on one node, in whatever namespace the cluster runs it. */
export function restartAgent(plugin: string, node: string): RemedyStep {
  const agent = agentOf(plugin);
  if (agent === undefined) {
    return repair(`Restart whatever installs the CNI plugin ${plugin} on the node, or install it again.`);
  }
  return repair(
    `Restart ${agent.name} on the node (in namespace ${agent.namespace} unless installed elsewhere).`,
    command(
      'kubectl',
      'delete',
      'pod',
      '-n',
      agent.namespace,
      '-l',
      agent.selector,
      '--field-selector',
      `spec.nodeName=${node}`,
    ),
  );
}
