import { loadedConfig } from '../../computed/loaded-config.ts';
import { type Agent, cniPlugin, knownPlugins } from '../../model/cni-plugins.ts';
import type { ObservedPod, Sources } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed } from '../../model/text.ts';
import {
  type CheckContext,
  defineCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
} from '../define.ts';
import { deleteAgentPods } from '../remedies/restart-agent.ts';
import { command, look, lookOnNode, podsOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/**
 * A starting agent first loads programs and compares all pods of the node. Agents of Calico and of the VPC
 * CNI restart once while doing so.
 */
const START_SECONDS = 300;
/** After this many restarts, a running agent is expected to exit again. */
const CRASHES = 3;

/** The agent is asked for every starting pod, and maintains routes, programs and policies of running ones. */
export const cniAgentDown = defineCheck({
  id: 'cni-agent-down',
  topic: 'cni',
  severity: 'critical',
  title: 'The agent of the CNI plugin runs on the node',
  failureTitle: "Node's CNI agent is down",
  why: 'No pod can start or be removed on the node, and changes in the cluster (new nodes, policies, Services) do not reach running pods.',
  needs: ['pods', 'processes', 'cniConfig', 'node'],
  run({ pods, processes, cniConfig, node: { createdAt, labels } }, context) {
    const object = nodeObject(context.node);
    const types = [...(loadedConfig(cniConfig)?.plugins ?? []), ...(loadedConfig(cniConfig)?.ipam ?? [])];
    const needed = new Set(types.flatMap((type) => cniPlugin(type)?.agent ?? []));
    // An agent that never came up has not written its configuration yet.
    const here = allAgents().filter((agent) => podsOf(agent, pods).length > 0);
    const agents = [...new Set([...needed, ...here])];
    if (agents.length === 0)
      return [notApplicable(object, 'no plugin of the node is known to have an agent')];
    const running = new Set(processes.map((process) => process.command));
    // Pods may name their own processes after an agent, which is in the node's network.
    const first = processes.find(({ pid }) => pid === 1);
    const stopped = processes.filter(
      (process) => process.stopped === true && process.networkNamespace === first?.networkNamespace,
    );
    const excuse = isYoung(createdAt, context)
      ? 'the node is in its first five minutes'
      : labels['eks.amazonaws.com/compute-type'] === 'auto'
        ? 'EKS Auto Mode runs its agents without pods'
        : null;
    const { lostSockets = [] } = cniConfig;
    const judged = agents.map((agent) =>
      judge(agent, podsOf(agent, pods), { running, stopped, lostSockets, excuse }, context),
    );
    const down = judged.filter((each) => each.state === 'down');
    if (down.length === 0) {
      const undecided = judged.find((each) => each.state === 'unknown');
      return [undecided === undefined ? pass(object) : notApplicable(object, undecided.reason)];
    }
    return [failure(down, context)];
  },
});

type Judgement = {
  readonly agent: Agent;
  readonly pod: ObservedPod | null;
  readonly state: 'up' | 'down' | 'unknown';
  readonly reason: string;
  /** Its processes that are stopped: then nothing else is wrong with it that is known. */
  readonly stopped: Sources['processes'];
  /** Its socket, if the file is gone. */
  readonly lostSocket: string | null;
};

function judge(
  agent: Agent,
  pods: readonly ObservedPod[],
  node: {
    readonly running: ReadonlySet<string>;
    readonly stopped: Sources['processes'];
    readonly lostSockets: readonly string[];
    readonly excuse: string | null;
  },
  context: CheckContext,
): Judgement {
  const say = (state: Judgement['state'], reason: string, pod: ObservedPod | null = null) => ({
    agent,
    pod,
    state,
    reason,
    stopped: [],
    lostSocket: null,
  });
  // Whatever its pod says: readiness may be that of another process, or not have been probed since.
  const stopped = node.stopped.filter(({ command }) => agent.processes.includes(command));
  if (stopped.length > 0) {
    const names = stopped.map(({ command, pid }) => `${command} (process ${pid})`);
    return {
      ...say('down', `${listed(names, 5)} was stopped by a signal, and does nothing`, pods[0] ?? null),
      stopped,
    };
  }
  const lostSocket = agent.socket !== null && node.lostSockets.includes(agent.socket) ? agent.socket : null;
  if (lostSocket !== null)
    return {
      ...say(
        'down',
        `${agent.name} listens at ${lostSocket}, and its plugin cannot reach it: the file is gone`,
        pods[0] ?? null,
      ),
      lostSocket,
    };
  const present = pods.filter(({ deletionTimestamp }) => deletionTimestamp === null);
  if (present.some(({ ready }) => ready)) return say('up', '');
  const [pod] = present.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  if (pod === undefined) {
    if (pods.length > 0) return say('unknown', `the pod of ${agent.name} is being replaced`);
    if (agent.processes.some((name) => node.running.has(name))) return say('up', '');
    if (agent.processes.length === 0)
      return say('unknown', `${agent.name} has no pod on the node, and may be installed without one`);
    return node.excuse !== null
      ? say('unknown', node.excuse)
      : say(
          'down',
          `${agent.name} has no pod on the node, and no process (${listed(agent.processes)}) runs there`,
        );
  }
  if (isYoung(pod.createdAt, context))
    return say('unknown', `the pod of ${agent.name} is in its first five minutes`, pod);
  const waits = pod.containers.find(
    ({ ready, running, reason }) => !ready && !running && reason !== 'Completed',
  );
  if (waits !== undefined)
    return say(
      'down',
      `container ${waits.name} of ${namespacedName(pod)} does not run: ${waits.reason ?? 'no reason is given'}, ${waits.restarts} restarts`,
      pod,
    );
  const unready = pod.containers.find(({ ready, running }) => running && !ready);
  if (unready === undefined) return say('down', `${namespacedName(pod)} is ${pod.phase} and not ready`, pod);
  const started = unready.startedAt;
  if (started !== null && isYoung(started, context) && unready.restarts < CRASHES)
    return say(
      'unknown',
      `container ${unready.name} of ${namespacedName(pod)} was started less than five minutes ago`,
      pod,
    );
  return say(
    'down',
    `container ${unready.name} of ${namespacedName(pod)} runs and is not ready, ${unready.restarts} restarts`,
    pod,
  );
}

function failure(down: readonly Judgement[], { node }: CheckContext): Outcome {
  const ofPods = down.flatMap(({ agent, pod, stopped }) =>
    pod === null || stopped.length > 0
      ? []
      : [{ namespace: pod.namespace, selector: selectorOf(agent, pod) }],
  );
  const [only, more] = ofPods;
  return fail(nodeObject(node), {
    detail: `A CNI agent is down: ${listed(down.map(({ reason }) => reason))}.`,
    confidence: 'confirmed',
    evidence: down.map(evidenceOf),
    remedy: [
      ...down.flatMap((each) => looksAt(each, node)),
      ...ofPods.map(({ namespace, selector }) =>
        repair(
          'Once the cause is fixed, restart it on the node. No other pod has to be deleted.',
          deleteAgentPods({ namespace, selector, node }),
        ),
      ),
      ...down.flatMap(({ agent, pod, stopped, lostSocket }) =>
        pod === null && lostSocket !== null
          ? [repair(`Restart ${agent.name} on the node; running pods keep their network.`)]
          : pod === null && stopped.length === 0
            ? [
                repair(`Install ${agent.name} again, or start its service on the node.`),
                look('It should be back:', podsOnNode(node, agent.selector)),
              ]
            : [],
      ),
    ],
    repair:
      only === undefined || more !== undefined
        ? null
        : { kind: 'restart-agent', namespace: only.namespace, selector: only.selector },
  });
}

function evidenceOf({ agent, pod, reason, stopped, lostSocket }: Judgement): Comparison {
  const what = `${agent.name} on the node`;
  if (lostSocket !== null)
    return {
      what,
      expected: lostSocket,
      actual: 'no such file',
      source: '/proc/net/unix; ls (node, and its process in /proc/PID/root)',
    };
  if (stopped.length > 0)
    return { what, expected: 'state S or R', actual: reason, source: '/proc/PID/stat (node): state T' };
  return {
    what,
    expected: pod === null ? `a pod, or a process ${listed(agent.processes)}` : 'ready',
    actual: reason,
    source: pod === null ? 'API: pods of the node; /proc (node)' : 'API: pod.status.containerStatuses',
  };
}

function looksAt({ agent, pod, stopped, lostSocket }: Judgement, node: string): RemedyStep[] {
  if (lostSocket !== null)
    return [
      lookOnNode(
        node,
        'see what is left there, and find out what removed the file: a script that cleans up /run, or tmpfiles.',
        command('ls', '-la', '--time-style=full-iso', lostSocket.replace(/\/[^/]*$/, '')),
      ),
    ];
  if (stopped.length > 0) {
    const pids = stopped.map(({ pid }) => String(pid));
    return [
      lookOnNode(
        node,
        'see who may have stopped it: a debugger, a profiler, or somebody with a shell. State T is stopped.',
        command('ps', '-o', 'pid,ppid,stat,lstart,args', '-p', pids.join(',')),
      ),
      repairOnNode(node, 'let it go on. No pod has to be deleted.', command('kill', '-CONT', ...pids)),
    ];
  }
  return [
    pod === null
      ? look(
          `See whether a DaemonSet is to run ${agent.name} there: it may have been deleted, or its node ` +
            'selector or tolerations leave the node out.',
          command('kubectl', 'get', 'daemonsets', '-A', '-o', 'wide'),
        )
      : look(`See why ${agent.name} does not come up: its last words before it ended.`, lastWords(pod)),
  ];
}

/** `--previous` fails if the container has not run before. */
function lastWords({ namespace, name, containers }: ObservedPod): string {
  const container = containers.find(({ ready }) => !ready)?.name;
  const all = [
    'kubectl',
    'logs',
    '-n',
    namespace,
    name,
    ...(container === undefined ? [] : ['-c', container]),
  ];
  return `${command(...all, '--tail=40', '--previous')} || ${command('kubectl', 'describe', 'pod', '-n', namespace, name)}`;
}

function isYoung(since: string, { now, settleSeconds }: CheckContext): boolean {
  return settleSeconds.pod > 0 && now - Date.parse(since) < START_SECONDS * 1000;
}

function allAgents(): Agent[] {
  return [...new Set(knownPlugins.flatMap((type) => cniPlugin(type)?.agent ?? []))];
}

/**
 * Finds the agent's pods by their labels. Anybody may set the same labels, but no DaemonSet on the node's
 * network has them by chance.
 */
function podsOf(agent: Agent, pods: Sources['pods']): ObservedPod[] {
  return pods.filter(
    (pod) =>
      pod.hostNetwork &&
      pod.controller === 'DaemonSet' &&
      pod.phase !== 'Succeeded' &&
      pod.phase !== 'Failed' &&
      selectors(agent).some((selector) => hasLabel(pod, selector)),
  );
}

const selectors = ({ selector, otherSelectors }: Agent) => [selector, ...otherSelectors];

function hasLabel({ labels }: ObservedPod, selector: string): boolean {
  const [name = '', value] = selector.split('=');
  return labels[name] === value;
}

function selectorOf(agent: Agent, pod: ObservedPod): string {
  return selectors(agent).find((selector) => hasLabel(pod, selector)) ?? agent.selector;
}
