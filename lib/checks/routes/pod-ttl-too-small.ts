import { layoutOf } from '../../computed/layouts.ts';
import { mainAddresses, networkElsewhere } from '../../computed/preconditions.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { command, look, recreatePod, repairOnNode } from '../remedies/steps.ts';

/**
 * Where the kernel forwards: the node of the pod takes one off, and the node of the other pod needs one more. BPF
 * may take off fewer.
 */
const LEAST = { byKernel: 3, otherwise: 2 } as const;

/** A number that each packet begins with; every router takes one off, and drops those with none left. */
export const podTtlTooSmall = definePodCheck({
  id: 'pod-ttl-too-small',
  topic: 'routes',
  severity: 'critical',
  title: "The pod's packets may pass as many routers as they need",
  failureTitle: "Pod's packets end before they arrive (TTL)",
  why:
    'The first or second router drops all that the pod sends over IPv4: its own node, or that of the other pod. ' +
    'On its own node it still reaches what needs no router.',
  needs: ['podNetworks'],
  unless: ['namespace unread', networkElsewhere],
  judge(network, _sources, { node }) {
    const { ttl } = network.stack;
    if (!mainAddresses(network).some(({ family }) => family === 4)) return 'the pod has no IPv4 address';
    const layout = layoutOf(network);
    const byKernel = typeof layout !== 'string' && layout.forwarding;
    if (ttl === undefined || ttl >= (byKernel ? LEAST.byKernel : LEAST.otherwise)) return 'pass';
    const path = network.sandbox.namespacePath;
    const name = 'net.ipv4.ip_default_ttl';
    return {
      detail: `${name} of the pod is ${ttl}: the ${ttl < 2 ? 'first' : 'second'} router drops what it sends.`,
      confidence: 'confirmed',
      evidence: [
        { what: name, expected: '64', actual: String(ttl), source: `sysctl (netns ${network.namespace})` },
      ],
      remedy: [
        look(
          'See whether the pod sets it on purpose (securityContext.sysctls): then change it there, or it comes back.',
          command('kubectl', 'get', 'pod', '-n', network.pod.namespace, network.pod.name, '-o', 'yaml'),
        ),
        ...(path === null
          ? recreatePod(network.pod)
          : [
              repairOnNode(
                node,
                'set it to what Linux has; the pod keeps running.',
                command('nsenter', `--net=${path}`, 'sysctl', '-w', `${name}=64`),
              ),
            ]),
      ],
    };
  },
});
