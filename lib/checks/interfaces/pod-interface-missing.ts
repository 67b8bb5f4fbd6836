import { defineCheck, fail, notApplicable, pass, podObject, unknown } from '../define.ts';
import { recreatePod } from '../remedies/steps.ts';

/** The API and the runtime both go on showing the address: nobody but the kernel knows (containerd#6549). */
export const podInterfaceMissing = defineCheck({
  id: 'pod-interface-missing',
  topic: 'interfaces',
  severity: 'critical',
  title: 'The pod has its network interface',
  failureTitle: 'Running pod without its network interface',
  why: 'A pod whose namespace lost its interface has no network at all, while Kubernetes still shows it Running with an address and sends it traffic.',
  needs: ['podNetworks'],
  run({ podNetworks }, { node }) {
    return podNetworks.map((network) => {
      const object = podObject(network.pod, node);
      if (network.stack === null) return unknown(object, 'the namespace of the pod could not be read');
      if (network.pod.podIPs.length === 0) return notApplicable(object, 'the pod has no address in the API');
      if (network.stack.links.some((link) => link.name === network.interface)) return pass(object);
      const others = network.stack.links.map((link) => link.name).join(', ');
      return fail(object, {
        detail: `No interface ${network.interface} in the pod's network namespace, only ${others || 'nothing'}; the API still shows ${network.pod.podIPs.join(', ')}.`,
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
      });
    });
  },
});
