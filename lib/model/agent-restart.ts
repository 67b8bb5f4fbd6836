/** Findings that a restart of the node's CNI agent repairs: the tool can do it, and reports say so. */
import { type Agent, cniPlugin, knownPlugins } from './cni-plugins.ts';
import type { Finding } from './finding.ts';
import { command } from './shell.ts';

/** The agent's pods on one node. */
export type AgentPods = Pick<Agent, 'namespace' | 'selector'> & { readonly node: string };

/** Deletes the agent's pod on one node; its DaemonSet starts a new one. */
export function deleteAgentPods({ namespace, selector, node }: AgentPods): string {
  return command(
    ...['kubectl', 'delete', 'pod', '-n', namespace, '-l', selector],
    ...['--field-selector', `spec.nodeName=${node}`],
  );
}

/**
 * The agent that is to be restarted, if all that a finding's remedy types to change something is that, by the very command for an agent that is
 * known; else null.
 */
export function agentToRestart({ object, remedy }: Pick<Finding, 'object' | 'remedy'>): AgentPods | null {
  const node = object.kind === 'node' ? object.name : object.node;
  const [only, more] = remedy.flatMap(({ purpose, command: typed }) =>
    purpose === 'repair' && typed !== undefined ? [typed] : [],
  );
  const [, namespace, selector] =
    /^kubectl delete pod -n ([a-z0-9-]{1,63}) -l (\S+) --field-selector \S+$/.exec(only ?? '') ?? [];
  if (more !== undefined || node === undefined || namespace === undefined || selector === undefined)
    return null;
  const agent = { namespace, selector, node };
  return selectors().has(selector) && deleteAgentPods(agent) === only ? agent : null;
}

function selectors(): ReadonlySet<string> {
  const agents = knownPlugins.flatMap((type) => cniPlugin(type)?.agent ?? []);
  return new Set(agents.flatMap(({ selector, otherSelectors }) => [selector, ...otherSelectors]));
}
