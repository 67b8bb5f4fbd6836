import { isAfterList } from '../../computed/addresses/allocations.ts';
import { endpointRecords, endpointsByPod } from '../../computed/addresses/cni-endpoints.ts';
import { CALICO_ANNOTATION, CILIUM_ENDPOINTS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { quote } from '../../model/text.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, look, recreatePod } from '../remedies/steps.ts';

/** The pod runs, but the agents of all nodes use a list that lacks it (cilium#39553, #43577, #27123). */
export const cniEndpointMissing = definePodCheck({
  id: 'cni-endpoint-missing',
  topic: 'cni',
  severity: 'high',
  title: 'The CNI agent has an endpoint of the pod on file',
  failureTitle: 'Pod has no CNI agent endpoint',
  why:
    'Agents of other nodes know a pod by its endpoint. Without one, the pod is unknown to them: ' +
    'network policies drop its packets, or they create no route and no rule for it.',
  needs: ['podNetworks', 'cniEndpoints'],
  facts: ({ cniEndpoints }) => ({ byPod: endpointsByPod(cniEndpoints) }),
  judge(network, { cniEndpoints, byPod }, { node }) {
    const { plugin, form, source } = endpointRecords(cniEndpoints);
    if (network.plugin !== plugin) return `${network.plugin ?? 'its plugin'} keeps no endpoints in the API`;
    const endpoint = byPod.get(namespacedName(network.pod));
    if (form === 'annotations')
      return endpoint === undefined || endpoint.addresses.length > 0 ? 'pass' : withoutAddress(network);
    if (endpoint !== undefined && endpoint.elsewhere === null) return 'pass';
    if (isAfterList(network.sandbox, cniEndpoints))
      return 'its endpoint may have been created after endpoints were listed';
    const actual = endpoint === undefined ? 'none' : `on node ${quote(endpoint.elsewhere ?? '', 50)}`;
    return {
      detail:
        endpoint === undefined
          ? 'The pod runs, and the API has no CiliumEndpoint of it.'
          : `The pod runs on this node, and its CiliumEndpoint says that it is ${actual}.`,
      confidence: 'confirmed',
      evidence: [
        { what: CILIUM_ENDPOINTS.kind, expected: 'one, on this node', actual, source },
        { what: 'ready sandbox', actual: network.sandbox.id, source: "the runtime's sandboxes" },
      ],
      remedy: [
        restartAgent(CILIUM_CNI, node),
        look(
          'Pods go on running meanwhile. It should be back, with the address of the pod:',
          command('kubectl', 'get', CILIUM_ENDPOINTS.singular, '-n', network.pod.namespace, network.pod.name),
        ),
      ],
    };
  },
});

/**
 * Calico's DEL clears the address: it has released it, and removes the policies as soon as the pod ends
 * (conversion.go, IsFinished).
 */
function withoutAddress({ pod, sandbox }: PodNetwork) {
  return {
    detail:
      'Calico took the network of the running pod down, by its own record: its annotation with the addresses is empty.',
    severity: 'medium' as const,
    confidence: 'probable' as const,
    evidence: [
      {
        what: 'address of the endpoint',
        expected: pod.podIPs.join(', '),
        actual: 'none',
        source: `API: annotation ${CALICO_ANNOTATION}podIPs of the pod`,
      },
      { what: 'ready sandbox', actual: sandbox.id, source: "the runtime's sandboxes" },
    ],
    remedy: recreatePod(pod),
  };
}
