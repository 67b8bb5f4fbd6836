/**
 * Restarts the agent that installs a CNI plugin on a node: it installs binary and configuration whenever its
 * pod starts.
 */
import { deleteAgentPods } from '../../model/agent-restart.ts';
import { cniPlugin } from '../../model/cni-plugins.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { repair } from './steps.ts';

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
