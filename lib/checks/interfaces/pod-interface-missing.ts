import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** API and runtime still show the address: only the kernel knows (containerd#6549). */
export const podInterfaceMissing = definePodCheck({
  id: 'pod-interface-missing',
  topic: 'interfaces',
  severity: 'critical',
  title: 'The pod has its network interface',
  failureTitle: 'Pod has no network interface',
  why:
    'A pod whose namespace lost its interface has no network at all, while Kubernetes still shows it ' +
    'Running with an address and sends it traffic.',
  needs: ['podNetworks'],
  unless: ['namespace unread'],
  judge(network) {
    if (network.pod.podIPs.length === 0) return 'the pod has no address in the API';
    if (network.stack.links.some((link) => link.name === network.interface)) return 'pass';
    const others = network.stack.links.map((link) => link.name).join(', ');
    return {
      detail:
        `No interface ${network.interface} in the pod's network namespace, only ${others || 'nothing'}; ` +
        `Kubernetes still shows ${network.pod.podIPs.join(', ')}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: 'interfaces in the namespace',
          expected: network.interface,
          actual: others || 'none',
          source: `ip link (netns ${network.namespace})`,
        },
        {
          what: 'address of the pod',
          actual: network.pod.podIPs.join(', '),
          source: 'API: pod.status.podIPs',
        },
      ],
      remedy: recreatePod(network.pod),
    };
  },
});
