/** Repairs that more than one check prescribes. Commands work when typed as they stand. */
import type { RemedyStep } from '../model/finding.ts';
import type { Pod } from '../model/kubernetes.ts';

/**
 * A command for a POSIX shell with every word quoted that needs it: names come from nodes and from the API,
 * and somebody will paste this.
 */
export function command(...words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** Gives the pod a new sandbox and so a fresh namespace; a pod that nobody would make again is named as such. */
export function recreatePod(pod: Pod): RemedyStep[] {
  if (pod.controller === 'Node') {
    return [
      {
        text: `Static pod: its kubelet makes a new sandbox once this one is stopped. On node ${pod.node ?? '?'}:`,
        command: `crictl stopp "$(crictl pods -q --state ready --namespace ${command(pod.namespace)} --name ${command(`^${pod.name}$`)})"`,
      },
    ];
  }
  const remove = command('kubectl', 'delete', 'pod', '-n', pod.namespace, pod.name);
  if (pod.controller === null) {
    return [
      {
        text: 'No controller owns this pod: save it first, as nothing will make it again.',
        command: `${command('kubectl', 'get', 'pod', '-n', pod.namespace, pod.name, '-o', 'yaml')} > ${command(`${pod.name}.yaml`)}`,
      },
      { text: 'Delete it, then create it again from its source.', command: remove },
    ];
  }
  return [
    {
      text: `Delete the pod; its ${pod.controller} makes a new one with a fresh namespace.`,
      command: remove,
    },
  ];
}

/**
 * One step for a root shell on the node (SSH, SSM, or a debug pod: docs/root-on-a-node.md).
 * `words` are the command; a ready shell line may be given as one string made with {@link command}.
 */
export function onNode(node: string, text: string, line: string): RemedyStep {
  return { text: `On node ${node}, as root: ${text}`, command: line };
}
