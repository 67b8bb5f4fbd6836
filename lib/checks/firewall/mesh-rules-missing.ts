import { exempt, type Mesh, meshOf, type RedirectHook, redirected } from '../../computed/firewall/meshes.ts';
import { mayChangeNetwork, networkElsewhere } from '../../computed/preconditions.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import type { NetworkStack } from '../../model/network.ts';
import { counted, firstOf, listed } from '../../model/text.ts';
import {
  defineCheck,
  fail,
  nodeObject,
  notApplicable,
  type Outcome,
  pass,
  podObject,
  unknown,
} from '../define.ts';
import { listRules } from '../remedies/list-rules.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { look, lookOnNode, recreatePod } from '../remedies/steps.ts';

type Enrolled = {
  readonly network: PodNetwork & { readonly stack: NetworkStack };
  readonly mesh: Mesh;
  readonly has: ReadonlySet<RedirectHook>;
};

/**
 * Rules can be missing in running pods after the node or agent restarted, while everything else says enrolled
 * (istio#56652, #60882, #61182).
 */
export const meshRulesMissing = defineCheck({
  id: 'mesh-rules-missing',
  topic: 'firewall',
  severity: 'high',
  title: "Packets of pods in a mesh go to the mesh's proxy",
  failureTitle: 'Enrolled pod is not redirected to the mesh',
  why:
    'The API, the proxy and the dashboards say that the pod is in the mesh, but its packets bypass the ' +
    'proxy: unencrypted, without policies, and refused by peers that demand mutual TLS. Nothing ' +
    'restores the rules in a running pod.',
  needs: ['podNetworks'],
  run({ podNetworks }, { node }) {
    const outcomes: Outcome[] = [];
    const enrolled: Enrolled[] = [];
    for (const network of podNetworks) {
      const object = podObject(network.pod, node);
      const mesh = meshOf(network.pod);
      const elsewhere = networkElsewhere(network);
      const { stack } = network;
      if (mesh === null) outcomes.push(notApplicable(object, 'the pod is in no mesh'));
      else if (elsewhere !== null) outcomes.push(notApplicable(object, elsewhere));
      else if (stack === null) outcomes.push(unknown(object, 'the namespace of the pod could not be read'));
      else if (stack.packetFiltersFailed !== null) outcomes.push(unknown(object, stack.packetFiltersFailed));
      else
        enrolled.push({ network: { ...network, stack }, mesh, has: redirected(stack.packetFilters, mesh) });
    }
    const byMesh = Map.groupBy(enrolled, ({ mesh }) => mesh.name);
    return [...outcomes, ...[...byMesh.values()].flatMap((pods) => judge(pods, node))];
  },
});

/** Compares pods of one mesh: each should have the rules that the others have. */
function judge(pods: readonly Enrolled[], node: string): Outcome[] {
  const [first, second] = pods;
  if (first === undefined) return [];
  const { mesh } = first;
  const directions = [...new Set(pods.flatMap(({ has }) => [...has]))];
  if (directions.length > 0) return pods.map((pod) => judgeOne(pod, pods, directions, node));
  if (!mesh.byRulesAlone)
    return pods.map(({ network }) =>
      notApplicable(
        podObject(network.pod, node),
        `no pod of ${mesh.name} on this node has rules: it redirects otherwise, or nothing`,
      ),
    );
  // If all pods share one cause, the node is at fault.
  return second === undefined
    ? [fail(podObject(first.network.pod, node), { ...ofAll(pods, node), severity: 'medium' })]
    : [fail(nodeObject(node), ofAll(pods, node))];
}

function judgeOne(
  { network, mesh, has }: Enrolled,
  pods: readonly Enrolled[],
  directions: readonly RedirectHook[],
  node: string,
): Outcome {
  const object = podObject(network.pod, node);
  const free = exempt(network.pod);
  const missing = directions.filter((direction) => !has.has(direction) && !free.has(direction));
  if (missing.length === 0) return pass(object);
  const sibling = pods.find((pod) => missing.every((direction) => pod.has.has(direction)));
  const { namespace, name } = (sibling ?? pods[0])?.network.pod ?? network.pod;
  const what = missing.map(worded).join(' and ');
  // One of the pod's own containers may have removed them, on purpose or not.
  const own = network.pod.containers.find(mayChangeNetwork);
  return fail(object, {
    detail:
      `The pod is enrolled in ${mesh.name}, but no rule in its namespace redirects what ${what}; in pod ` +
      `${namespacedName({ namespace, name })} of this node there is ` +
      `one${own === undefined ? '' : `. Its container ${own.name} may change the network`}.`,
    confidence: own === undefined ? 'confirmed' : 'probable',
    evidence: missing.map((direction) => ({
      what: `rules of ${mesh.name} in ${direction.toUpperCase()} of nat`,
      expected: `one, as in pod ${namespacedName({ namespace, name })}`,
      actual: 'none',
      source: `packet filter (netns ${network.namespace})`,
    })),
    remedy: [
      lookOnNode(node, 'keep the rules that are left, to find out who took the others.', listRules(network)),
      ...recreatePod(network.pod),
    ],
  });
}

function ofAll(pods: readonly Enrolled[], node: string) {
  const mesh = pods[0]?.mesh;
  const names = listed(
    pods.map(({ network: { pod } }) => namespacedName(pod)),
    5,
  );
  return {
    detail:
      `${pods.length === 1 ? `The pod is` : `${counted(pods.length, 'pod')} of this node are`} enrolled ` +
      `in ${mesh?.name}, and no rule in ` +
      `${pods.length === 1 ? 'its namespace' : 'any of their namespaces'} redirects packets to the ` +
      `mesh${pods.length === 1 ? '' : `: ${names}`}.`,
    confidence: 'suspected',
    evidence: [
      {
        what: `rules of ${mesh?.name} in nat`,
        expected: 'PREROUTING and OUTPUT lead to its chains',
        actual: `none in ${names}`,
        source: 'packet filters of the pods',
      },
    ],
    remedy: [
      look(
        'If the mesh redirects by eBPF in this cluster (Merbridge), accept this finding by an exception: nothing is wrong.',
      ),
      ...(mesh?.agent == null ? [] : [restartAgent(mesh.agent, node)]),
      ...firstOf(
        pods,
        3,
        ({ network }): RemedyStep[] => recreatePod(network.pod),
        (left) => look(`Then do the same for the other ${counted(left, 'pod')}.`),
      ),
    ],
  } as const;
}

const worded = (direction: RedirectHook) => (direction === 'output' ? 'goes out' : 'comes in');
