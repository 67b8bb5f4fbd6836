import { isAfterList } from '../../computed/addresses/allocations.ts';
import { type CniEndpoint, endpointRecords, endpointsByPod } from '../../computed/addresses/cni-endpoints.ts';
import { sameAddress } from '../../computed/cidr.ts';
import { CILIUM_ENDPOINTS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { CniEndpoints, PodNetwork, Sources } from '../../model/evidence.ts';
import type { Comparison, RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { listed, quote } from '../../model/text.ts';
import {
  type CheckContext,
  defineCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, look, recreatePod, repair } from '../remedies/steps.ts';

/**
 * The agent's record is of a deleted pod, or of an earlier state: the next pod with the address inherits its
 * identity and policies.
 */
export const cniEndpointStale = defineCheck({
  id: 'cni-endpoint-stale',
  topic: 'cni',
  about: 'sandboxes',
  severity: 'medium',
  title: 'Endpoints of the CNI agent are those of the pods that run',
  failureTitle: 'Recorded endpoint belongs to no running pod',
  why:
    'Other nodes trust the address of such an endpoint. The next pod with the address gets the identity ' +
    'and the network policies of another pod, and if the record names the wrong sandbox, the address is ' +
    'never released.',
  observations: 2,
  needs: ['pods', 'podNetworks', 'sandboxes', 'cniEndpoints'],
  run({ pods, podNetworks, sandboxes, cniEndpoints }, context) {
    const byPod = endpointsByPod(cniEndpoints);
    const { plugin } = endpointRecords(cniEndpoints);
    const ofPods = podNetworks.flatMap((network): Outcome[] => {
      const endpoint = byPod.get(namespacedName(network.pod));
      // A missing endpoint, or one on another node, is left to cni-endpoint-missing.
      if (network.plugin !== plugin || endpoint === undefined || endpoint.elsewhere !== null) return [];
      return [judge(network, endpoint, cniEndpoints, context)];
    });
    const known = new Set(
      [...pods, ...sandboxes.filter(({ state }) => state === 'ready')].map(namespacedName),
    );
    const left = cniEndpoints.endpoints.filter(
      (endpoint) => endpoint.elsewhere === null && !known.has(namespacedName(endpoint)),
    );
    return [
      ...ofPods,
      ...left.map((endpoint) => judgeLeft(endpoint, podNetworks, context)),
      ...(cniEndpoints.unconfirmed === 0
        ? []
        : [
            unknown(
              nodeObject(context.node),
              `${cniEndpoints.unconfirmed} more endpoints without a pod were not read again, and may be gone`,
            ),
          ]),
    ];
  },
});

function judge(
  { pod, sandbox }: PodNetwork,
  endpoint: CniEndpoint,
  endpoints: CniEndpoints,
  { node }: CheckContext,
): Outcome {
  const object = podObject(pod, node);
  const { form, source } = endpointRecords(endpoints);
  if (isAfterList(sandbox, endpoints) && form === 'object')
    return notApplicable(object, 'its endpoint may have been created after endpoints were listed');
  // No endpoint at all is left to cni-endpoint-missing.
  const others = endpoint.addresses.filter((address) => !pod.podIPs.some((ip) => sameAddress(ip, address)));
  const wrong: Comparison[] = [];
  if (others.length > 0)
    wrong.push({
      what: 'addresses of the endpoint',
      expected: pod.podIPs.join(', '),
      actual: endpoint.addresses.map((address) => quote(address, 50)).join(', '),
      source,
    });
  if (endpoint.containerId !== null && endpoint.containerId !== sandbox.id)
    wrong.push({
      what: 'sandbox of the endpoint',
      expected: sandbox.id,
      actual: quote(endpoint.containerId, 80),
      source,
    });
  if (endpoint.podUid !== null && endpoint.podUid !== pod.uid)
    wrong.push({
      what: 'pod that owns the endpoint',
      expected: pod.uid,
      actual: quote(endpoint.podUid, 50),
      source,
    });
  const [first] = wrong;
  if (first === undefined) return pass(object);
  return fail(object, {
    detail:
      `The CNI agent's record belongs to something else: ` +
      `${listed(wrong.map(({ what, actual, expected }) => `${what} is ${actual}, and the pod has ${expected}`))}.`,
    confidence: 'confirmed',
    ...(others.length > 0 ? { severity: 'high' as const } : {}),
    evidence: wrong,
    remedy: form === 'object' ? remakeEndpoint(pod, node) : recreatePod(pod),
  });
}

function judgeLeft(
  endpoint: CniEndpoint,
  networks: Sources['podNetworks'],
  { node, now, settleSeconds }: CheckContext,
): Outcome {
  const object = podObject(endpoint, node);
  const age = endpoint.createdAt === null ? 0 : (now - Date.parse(endpoint.createdAt)) / 1000;
  if (age < settleSeconds.orphan) return notApplicable(object, 'its pod may be on its way');
  const heir = networks.find(({ pod }) =>
    pod.podIPs.some((ip) => endpoint.addresses.some((address) => sameAddress(ip, address))),
  );
  const addresses = listed(endpoint.addresses.map((address) => quote(address, 50)));
  return fail(object, {
    detail:
      `A CiliumEndpoint exists for ${addresses}, and neither the API nor the runtime has its pod on this ` +
      `node${heir === undefined ? '' : `; ${namespacedName(heir.pod)} has the address now`}.`,
    confidence: 'confirmed',
    ...(heir === undefined ? {} : { severity: 'high' as const }),
    evidence: [
      {
        what: CILIUM_ENDPOINTS.kind,
        expected: 'none',
        actual: `${addresses}, made ${endpoint.createdAt ?? 'at an unknown time'}`,
        source: `API: ${CILIUM_ENDPOINTS.resource}`,
      },
      { what: 'pod of that name on the node', actual: 'none', source: "API: pods; the runtime's sandboxes" },
    ],
    remedy: [
      look(
        'Make sure that there is no such pod, on any node (it must say NotFound).',
        `${command('kubectl', 'get', 'pod', '-n', endpoint.namespace, endpoint.name)} 2>&1 | grep -i notfound`,
      ),
      repair(
        'Then remove the endpoint; no agent needs it.',
        command('kubectl', 'delete', CILIUM_ENDPOINTS.singular, '-n', endpoint.namespace, endpoint.name),
      ),
    ],
  });
}

/** The agent creates its pods' endpoints when it starts. */
function remakeEndpoint(pod: { namespace: string; name: string }, node: string): RemedyStep[] {
  return [
    repair(
      'Remove the endpoint: the pod keeps running, and its node recreates it.',
      command('kubectl', 'delete', CILIUM_ENDPOINTS.singular, '-n', pod.namespace, pod.name),
    ),
    restartAgent(CILIUM_CNI, node),
  ];
}
