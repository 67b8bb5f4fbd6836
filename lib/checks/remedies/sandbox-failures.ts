/** What the messages of kubelet, runtime and CNI plugins mean when a sandbox cannot be created or removed, as data. */
import {
  AWS_CNI,
  CILIUM_CNI,
  cniPlugin,
  hostLinkPrefixes,
  type KnownPlugin,
} from '../../model/cni-plugins.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { quote } from '../../model/text.ts';
import type { Step } from '../define.ts';
import { cordon, drainAndReboot, uncordon } from './node.ts';
import { deleteAgentPods } from './restart-agent.ts';
import { command, look, lookOnNode, podDeletionStep, podsOnNode, repair } from './steps.ts';

/** Where the sandbox failed. Names come from the API. */
export type FailedSandbox = { readonly node: string; readonly namespace: string; readonly pod: string };

export type Explanation = {
  /** Stable name of the cause, for counting. */
  readonly id: string;
  /** A clause that completes "because …". */
  readonly cause: string;
  readonly remedy: readonly Step[];
};

type Signature = {
  readonly id: string;
  readonly pattern: RegExp;
  readonly cause: (match: RegExpExecArray) => string;
  readonly remedy: (where: FailedSandbox, match: RegExpExecArray) => readonly Step[];
};

/** The plugin did not fail, it deferred: the next attempt may succeed. */
export const AGENT_BUSY = 'agent-busy';

const agentOf = (plugin: KnownPlugin) => cniPlugin(plugin)?.agent ?? null;
const lookAtAgent = (node: string, plugin: KnownPlugin): RemedyStep =>
  look('Look at the CNI agent of the node.', podsOnNode(node, agentOf(plugin)?.selector));
const awsAgent = (node: string) => lookAtAgent(node, AWS_CNI);
const restartAws = (node: string): RemedyStep => {
  const agent = agentOf(AWS_CNI);
  return repair('Restart it.', agent === null ? undefined : deleteAgentPods({ ...agent, node }));
};
const deleteFailed = ({ namespace, pod }: FailedSandbox): Step =>
  podDeletionStep(
    { namespace, name: pod },
    'Delete the pod, so that a new one starts without what is left of this one.',
  );
const runtimeLog = (node: string): RemedyStep =>
  lookOnNode(
    node,
    'read what the runtime knows about it.',
    "journalctl -u containerd -u crio --since -1h --no-pager | grep -iE 'sandbox|cni|network' | tail -n 50",
  );

const named = (plugin: string | undefined) => (plugin === undefined ? '' : ` ${quote(plugin, 60)}`);

/** The first match counts: specific before general. */
const signatures: readonly Signature[] = [
  {
    id: 'plugin-not-installed',
    pattern: /failed to find plugin "([^"]{1,100})" in path/,
    cause: ([, plugin = '']) => `the CNI plugin ${quote(plugin, 60)} is not installed on the node`,
    remedy: ({ node }) => [
      lookOnNode(
        node,
        'see cni-plugin-missing; compare the chain with what is installed.',
        'ls -l /etc/cni/net.d /opt/cni/bin',
      ),
    ],
  },
  {
    id: 'no-cni-configuration',
    pattern: /cni (?:plugin|config) (?:not |un)initialized|NetworkPluginNotReady/i,
    cause: () => 'the runtime has no valid CNI configuration',
    remedy: ({ node }) => [
      lookOnNode(node, 'see cni-config-invalid; look for the configuration.', 'ls -la /etc/cni/net.d'),
    ],
  },
  {
    id: 'ipamd-unreachable',
    pattern:
      /Error received from AddNetwork gRPC call|Error received from DelNetwork gRPC call|127\.0\.0\.1:50051/,
    cause: () => 'ipamd of the AWS VPC CNI does not answer on the node',
    remedy: ({ node }) => [awsAgent(node), restartAws(node)],
  },
  {
    id: 'aws-no-address',
    pattern: /failed to assign an IP address to container/,
    cause: () =>
      'ipamd of the AWS VPC CNI has no free address: the subnet or the limit of the instance type is used up, or ipamd is just starting',
    remedy: ({ node }) => [
      awsAgent(node),
      look(
        'See InsufficientFreeAddressesInSubnet in /var/log/aws-routed-eni/ipamd.log of the node; give it a ' +
          'larger subnet or prefix delegation.',
      ),
    ],
  },
  {
    id: 'range-exhausted',
    pattern: /no IP addresses available in range set/,
    cause: () => "the node's range of addresses is used up",
    remedy: ({ node }) => [
      cordon(node, 'Keep new pods away.'),
      repair('Free what has leaked: see ipam-near-exhausted and ipam-leaked.'),
      uncordon(node, 'Once addresses are free'),
    ],
  },
  {
    id: 'namespace-not-created',
    pattern: /failed to create network namespace for sandbox/,
    cause: () =>
      'the kernel cannot create more network namespaces (no space left: a limit of namespaces or mounts)',
    remedy: ({ node }) => [
      lookOnNode(
        node,
        'compare with the limits; find the leak before raising them.',
        'sysctl user.max_net_namespaces fs.mount-max; grep -c nsfs /proc/1/mountinfo',
      ),
      ...drainAndReboot(node, 'If nothing leaks that can be freed: move the pods away.'),
    ],
  },
  {
    id: 'bridge-address-stale',
    pattern: /"([^"]{1,15})" already has an IP address different from/,
    cause: ([, bridge = '']) => `the bridge ${quote(bridge, 15)} has the address of an earlier pod CIDR`,
    remedy: ({ node }) => drainAndReboot(node),
  },
  {
    id: 'route-of-another-pod',
    pattern: /already exists for an interface other than/,
    cause: () =>
      'a route to the address still leads to another interface: a duplicate address, or one left behind',
    remedy: (where) => [
      lookOnNode(
        where.node,
        'find out which interface has the route, and whether its pod still lives.',
        `ip route show table all | grep -E "dev (${hostLinkPrefixes.join('|')})"`,
      ),
      deleteFailed(where),
    ],
  },
  {
    id: 'veth-left-behind',
    pattern:
      /container veth name .{0,200}already exists|failed to move veth to host netns: file exists|could not create veth pair.{0,200}file exists/,
    cause: () => 'a link of that name is left behind on the node',
    remedy: (where) => [
      lookOnNode(
        where.node,
        'look at the links; veth-orphaned names those without a pod.',
        'ip -d link show type veth',
      ),
      deleteFailed(where),
    ],
  },
  {
    id: 'pause-died',
    pattern: /failed to Statfs "\/proc\/\d{1,10}\/ns\/net"/,
    cause: () => "the sandbox's process died while its network was set up",
    remedy: ({ node }) => [runtimeLog(node)],
  },
  {
    id: 'pin-not-a-namespace',
    pattern: /unknown FS magic on/,
    cause: () => "the sandbox's namespace path is an ordinary file",
    remedy: (where) => [
      deleteFailed(where),
      look('See namespace-pin-invalid and namespace-pin-shadowed for the node.'),
    ],
  },
  {
    id: 'name-reserved',
    pattern: /failed to reserve sandbox name|name ".{1,300}" is reserved for/,
    cause: () => 'an earlier attempt at the same sandbox has not ended in the runtime',
    remedy: (where) => [runtimeLog(where.node), deleteFailed(where)],
  },
  {
    id: 'no-network-info',
    pattern: /failed to find network info for sandbox/,
    cause: () => 'the CNI plugin reported success without an address for the main interface',
    remedy: ({ node }) => [runtimeLog(node)],
  },
  {
    id: 'network-policy-agent',
    pattern: /failed to setup network policy/,
    cause: () => 'the network policy agent does not answer while strict mode asks for it',
    remedy: ({ node }) => [awsAgent(node), restartAws(node)],
  },
  {
    id: 'pin-busy',
    pattern: /device or resource busy/,
    cause: () => 'another mount namespace holds the mount of the network namespace',
    remedy: ({ node }) => [
      repair(
        'Restart the pod that mounts the root of the node without HostToContainer (see namespace-pinned-elsewhere).',
      ),
      ...drainAndReboot(node, 'If it stays busy: move the pods away.'),
    ],
  },
  {
    id: 'pause-image',
    pattern: /failed to get sandbox image|failed to pull image/,
    cause: () => "the sandbox's own image (pause) cannot be pulled",
    remedy: ({ node }) => [
      lookOnNode(
        node,
        'check whether it is there, and what the runtime is configured to take.',
        'crictl images; crictl info | grep -i sandboxImage',
      ),
    ],
  },
  {
    id: 'no-runtime-handler',
    pattern:
      /no runtime for "([^"]{1,100})" is configured|unknown runtime handler|RuntimeHandler "([^"]{1,100})" not supported/i,
    cause: ([, handler]) =>
      `the runtime class${handler === undefined ? '' : ` ${quote(handler, 60)}`} is not configured on the node`,
    remedy: ({ namespace, pod }) => [
      look(
        'Install the runtime on the node, or let the RuntimeClass choose nodes that have it.',
        command('kubectl', 'get', 'pod', '-n', namespace, pod, '-o', 'jsonpath={.spec.runtimeClassName}'),
      ),
    ],
  },
  {
    id: AGENT_BUSY,
    // Cilium's API accepts a limited number of endpoints at a time (its api-rate-limit).
    pattern: new RegExp(`plugin type="${CILIUM_CNI}".*?(?:\\[429\\]|TooManyRequests)`),
    cause: () => `the agent of the CNI plugin ${CILIUM_CNI} was asked for too much at once`,
    remedy: ({ node }) => [lookAtAgent(node, CILIUM_CNI)],
  },
  {
    id: 'teardown-failing',
    pattern:
      /(?:failed to destroy network for (?:pod )?sandbox(?:.{0,300}?plugin type="([^"]{1,100})")?)|plugin type="([^"]{1,100})".{0,300}failed \(delete\)|failed to teardown pod ".{1,300}" network|error removing pod .{1,300} from CNI network/,
    cause: ([, afterwards, before]) =>
      `the CNI plugin${named(afterwards ?? before)} fails to take the network of the sandbox down`,
    remedy: ({ node }) => [
      runtimeLog(node),
      look(
        'Check the CNI agent of the node (kubectl get pods -A -o wide) and restart it. The kubelet tries again by itself.',
      ),
    ],
  },
  {
    id: 'setup-failing',
    pattern:
      /(?:failed to set ?up network for sandbox(?:.{0,300}?plugin type="([^"]{1,100})")?)|plugin type="([^"]{1,100})".{0,300}failed \(add\)|failed to set up pod ".{1,300}" network|error adding pod .{1,300} to CNI network/,
    cause: ([, afterwards, before]) =>
      `the CNI plugin${named(afterwards ?? before)} fails to set the network of the sandbox up`,
    remedy: ({ node }) => [
      runtimeLog(node),
      look('See whether the CNI agent of the node is well (kubectl get pods -A -o wide); restart it.'),
    ],
  },
  {
    id: 'runtime-stuck',
    pattern: /context deadline exceeded|DeadlineExceeded/,
    cause: () => 'the runtime or a CNI plugin did not answer in time',
    remedy: ({ node }) => [
      lookOnNode(
        node,
        'check whether the runtime answers at all.',
        'timeout 10 crictl info >/dev/null && echo answers',
      ),
      runtimeLog(node),
      ...drainAndReboot(node, 'Only if it does not answer: move the pods away.'),
    ],
  },
];

/**
 * Explains a message. An unknown one is quoted, with the place to look. Messages are cut to length before
 * they are matched.
 */
export function explainSandboxFailure(message: string, where: FailedSandbox): Explanation {
  const text = message.slice(0, 4096);
  for (const { id, pattern, cause, remedy } of signatures) {
    const match = pattern.exec(text);
    if (match !== null) return { id, cause: cause(match), remedy: remedy(where, match) };
  }
  return { id: 'other', cause: 'of what the message says', remedy: [runtimeLog(where.node)] };
}
