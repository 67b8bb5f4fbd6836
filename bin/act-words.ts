/** Acts of `netns-audit remediate` in words: what each kind does, and the names of its objects. */
import { allocationName } from '../lib/model/leaked-allocation.ts';
import { namespacedName } from '../lib/model/namespaced-name.ts';
import { printable } from '../lib/model/printable.ts';
import type { Act, AgentAct, AllocationsAct, DrainAct, NodeAct, RebootAct } from '../lib/repair/act.ts';
import { plural } from '../lib/report/index.ts';

/** Object names printed per act; JSON and the record have all. */
const NAMES = 5;

export type ActWords = {
  /** Of the table in the plan. */
  readonly columns: readonly [string, string];
  /** What would be done to so many objects, in a question. */
  readonly asked: (count: number) => string;
  /** The same in the plan, with how it is done. */
  readonly planned: (count: number) => string;
};

const pairs = (count: number): string => `delete ${plural(count, 'pair')}`;
const routes = (count: number): string => `delete ${plural(count, 'route or rule', 'routes and rules')}`;
const pins = (count: number): string => `remove ${plural(count, 'file')} of pins`;
const addresses = (count: number): string => `free ${plural(count, 'address', 'addresses')}`;
const namespaces = (count: number): string => `delete ${plural(count, 'orphaned namespace')}`;
const limits = (count: number): string => `raise ${plural(count, 'set')} of limits`;
const pods = (count: number): string => `recreate ${plural(count, 'pod')}`;

const lost = (count: number): string => `put back ${plural(count, 'object')}`;

const takenBack = (count: number): string => `take back ${plural(count, 'object')}`;

/** Each kind of act in words. */
export const ACT_WORDS: Readonly<Record<Act['kind'], ActWords>> = {
  restore: {
    columns: ['NODE', 'OBJECTS'],
    asked: lost,
    planned: (count) =>
      `${lost(count)} that running pods, or their node, lost. A pod on the node looks at each again ` +
      'right before, changes nothing that is not as it was found, and proves that each is as its CNI ' +
      'plugin made it; no pod is restarted',
  },
  'take-back': {
    columns: ['NODE', 'OBJECTS'],
    asked: takenBack,
    planned: (count) =>
      `${takenBack(count)} that a repair has changed, the last one first. A pod on the node looks at ` +
      'each again right before, changes nothing that is not as the repair left it, and proves that each ' +
      'is as it was found then',
  },
  'delete-veths': {
    columns: ['NODE', 'LINKS'],
    asked: pairs,
    planned: (count) =>
      `${pairs(count)} that ${count === 1 ? 'leads' : 'lead'} into no pod. A pod on the node looks again ` +
      'right before that both ends are there and that nobody uses either, and proves that both are gone',
  },
  'delete-routes': {
    columns: ['NODE', 'ROUTES AND RULES'],
    asked: routes,
    planned: (count) =>
      `${routes(count)} for addresses that nobody has. The node is audited again, a pod on it looks again right before ` +
      'that no namespace, no result of plugins and no record has the address, and proves that each is gone',
  },
  'release-addresses': {
    columns: ['NODE', 'RECORDS'],
    asked: addresses,
    planned: (count) =>
      `${addresses(count)} of host-local, under its own lock, if at that moment the runtime does not ` +
      'know the container, no result of plugins names it, and no namespace of the node has the address',
  },
  'release-allocations': {
    columns: ['NODE', 'BLOCKS AND ADDRESSES'],
    asked: (count) => `${addresses(count)} of Calico`,
    planned: (count) =>
      `${addresses(count)} in Calico's blocks, through the API server, if at that moment an audit of the node finds ` +
      'it leaked, no pod of the cluster has it, and its block is as it was read. Its handle is lowered or deleted',
  },
  'delete-namespaces': {
    columns: ['NODE', 'NAMESPACES'],
    asked: namespaces,
    planned: (count) =>
      `${namespaces(count)}. A pod on the node looks at each again right before, has the CNI plugins ` +
      'undo what they made, and proves that its pin and its pair are gone and that host-local keeps no ' +
      'record of its address',
  },
  'delete-pins': {
    columns: ['NODE', 'PINS'],
    asked: pins,
    planned: (count) =>
      `${pins(count)}, with no namespace on ${count === 1 ? 'it' : 'them'}. A pod on the node looks at each again right ` +
      'before, also in other mount namespaces, and proves that it is gone',
  },
  'raise-limits': {
    columns: ['NODE', 'LIMITS'],
    asked: limits,
    planned: (count) =>
      `${limits(count)} of the kernel, now and in /etc/sysctl.d. A pod on the node looks again right before that each is ` +
      'as it was found and that the file will outlast a boot, lowers none, and proves both',
  },
  'recreate-pod': {
    columns: ['POD', 'WHY'],
    asked: pods,
    planned: (count) =>
      `${pods(count)}. Each is evicted, as its disruption budgets allow, and the pod that takes its place is looked at`,
  },
  'restart-agent': {
    columns: ['NODE', 'AGENT'],
    asked: (count) => `restart ${plural(count, 'CNI agent')}`,
    planned: (count) =>
      `restart the CNI agent on ${plural(count, 'node')}. Its pod there is evicted, its successor must ` +
      'become ready, and a new pod on the node must get its network and leave nothing behind',
  },
  'reboot-node': {
    columns: ['NODE', 'WHY'],
    asked: (count) => `drain and reboot ${plural(count, 'node')}`,
    planned: (count) =>
      `drain and reboot ${plural(count, 'node')}. It is cordoned, its pods are evicted, as their disruption budgets ` +
      'allow, and it must come back Ready from another boot. It takes pods again once an audit finds nothing new on it',
  },
  'drain-node': {
    columns: ['NODE', 'WHY'],
    asked: (count) => `drain ${plural(count, 'node')}`,
    planned: (count) =>
      `drain ${plural(count, 'node')} in place of a reboot. It is cordoned, its pods are evicted, as their disruption ` +
      'budgets allow, and it stays cordoned: the commands to replace its machine are printed, and nothing of it is ended',
  },
};

export function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

export function objectText(act: Act): string {
  if (act.kind === 'recreate-pod') return printable(`${namespacedName(act.pod)} on ${act.node}`, 400);
  if (isOfWholeNode(act)) return printable(act.node, 300);
  if (act.kind === 'restart-agent') return printable(`${agentText(act)} on ${act.node}`, 400);
  // A refused namespace need not have a name that the runtime gives.
  const names =
    act.kind === 'delete-namespaces' ? act.findings.map(({ object }) => object.name) : namesIn(act);
  return printable(`${firstNames(names)} on ${act.node}`, 600);
}

export function isOfWholeNode(act: Act): act is RebootAct | DrainAct {
  return act.kind === 'reboot-node' || act.kind === 'drain-node';
}

export function agentText({ agent, findings }: AgentAct): string {
  return printable(`the agent ${agent.selector} in ${agent.namespace} (${whyText({ findings })})`, 300);
}

export function namesIn(act: NodeAct | AllocationsAct): string[] {
  if (act.kind === 'release-allocations') return act.allocations.map(allocationName);
  return (act.kind === 'delete-namespaces' ? act.orphans : act.objects).map(({ name }) => name);
}

export function firstNames(names: readonly string[], most = NAMES): string {
  const shown = names.slice(0, most).map((name) => printable(name, 200));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

export function whyText({ findings }: Pick<Act, 'findings'>): string {
  return [...new Set(findings.map(({ check }) => check))].join(', ');
}
