/** Repairs that several checks prescribe. Commands work exactly as written. */
import type { RemedyStep } from '../../model/finding.ts';
import type { Pod } from '../../model/kubernetes.ts';
import { command } from '../../model/shell.ts';
import type { Step } from '../define.ts';

export { command };

/** Lists the pods of a node, all of them or those of a label selector; a CNI agent is looked for in every namespace. */
export function podsOnNode(node: string, selector?: string): string {
  return command(
    ...['kubectl', 'get', 'pods', '-A', '-o', 'wide'],
    ...(selector === undefined ? [] : ['-l', selector]),
    ...['--field-selector', `spec.nodeName=${node}`],
  );
}

/** A step that changes nothing: what to check before, or what to look for afterwards. */
export function look(text: string, line?: string): RemedyStep {
  return { purpose: 'look', text, ...(line === undefined ? {} : { command: line }) };
}

/** A step that changes something. Its text says if it applies only in some cases. */
export function repair(text: string, line?: string): RemedyStep {
  return { purpose: 'repair', text, ...(line === undefined ? {} : { command: line }) };
}

/**
 * A read-only step for a root shell on the node (SSH, SSM, or a debug pod: docs/root-on-a-node.md). `line` is
 * a ready shell line, as made by {@link command}.
 */
export function lookOnNode(node: string, text: string, line: string): RemedyStep {
  return look(onNode(node, text), line);
}

/** As {@link lookOnNode}, for a step that changes something. */
export function repairOnNode(node: string, text: string, line: string): RemedyStep {
  return repair(onNode(node, text), line);
}

function onNode(node: string, text: string): string {
  return `On node ${node}, as root: ${text}`;
}

/** Gives the pod a new sandbox and namespace. If nothing would recreate the pod, the text says so. */
export function recreatePod(pod: Pod): Step[] {
  if (pod.controller === 'Node') {
    return [
      repair(
        `Static pod: its kubelet creates a new sandbox once this one is stopped. On node ${pod.node ?? '?'}:`,
        `crictl stopp "$(crictl pods -q --state ready --namespace ${command(pod.namespace)} --name ${command(`^${pod.name}$`)})"`,
      ),
    ];
  }
  if (pod.controller === null) {
    return [
      look(
        'No controller owns this pod: save it first, as nothing will recreate it.',
        `${command('kubectl', 'get', 'pod', '-n', pod.namespace, pod.name, '-o', 'yaml')} > ${command(`${pod.name}.yaml`)}`,
      ),
      podDeletionStep(pod, 'Delete it, then create it again from its source.'),
    ];
  }
  return [
    podDeletionStep(pod, `Delete the pod; its ${pod.controller} creates a new one with a fresh namespace.`),
  ];
}

/** Deletes the pod, which the tool does by evicting it. */
export function podDeletionStep({ namespace, name }: Pick<Pod, 'namespace' | 'name'>, text: string): Step {
  return {
    ...repair(text, command('kubectl', 'delete', 'pod', '-n', namespace, name)),
    repair: { kind: 'recreate-pod', namespace, name },
  };
}
