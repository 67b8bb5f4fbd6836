/**
 * Restarts the agent that installs a CNI plugin on a node: it installs binary and configuration whenever its
 * pod starts.
 */
import { type Agent, cniPlugin } from '../../model/cni-plugins.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { Repair } from '../../model/repair.ts';
import { command, repair } from './steps.ts';

/** Restarts the plugin's agent on one node, in the namespace where the cluster runs it. */
export function restartAgent(plugin: string, node: string): RemedyStep {
  const agent = cniPlugin(plugin)?.agent ?? null;
  if (agent === null) {
    return repair(`Restart whatever installs the CNI plugin ${plugin} on the node, or install it again.`);
  }
  return repair(
    `Restart ${agent.name} on the node (in namespace ${agent.namespace} unless installed elsewhere).`,
    deleteAgentPods({ ...agent, node }),
  );
}

/** The tool's repair that restarts it; null if the plugin has no known agent. */
export function agentRepair(plugin: string): Repair | null {
  const agent = cniPlugin(plugin)?.agent ?? null;
  return agent === null
    ? null
    : { kind: 'restart-agent', namespace: agent.namespace, selector: agent.selector };
}

/** Deletes the agent's pod on one node; its DaemonSet starts a new one. */
export function deleteAgentPods({
  namespace,
  selector,
  node,
}: Pick<Agent, 'namespace' | 'selector'> & { readonly node: string }): string {
  return command(
    ...['kubectl', 'delete', 'pod', '-n', namespace, '-l', selector],
    ...['--field-selector', `spec.nodeName=${node}`],
  );
}
