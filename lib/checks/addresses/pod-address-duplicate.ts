import type { AuditedObject } from '../../model/finding.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { ADDRESSES_OF_A_POD, type PodAddress } from '../../model/node-result.ts';
import { listed, rowsOf } from '../../model/text.ts';
import { defineClusterCheck, fail, type Outcome, pass, podObject, unknown } from '../define.ts';
import { overlapping, overlapsOf, type SharedAddress } from '../frames/overlapping-nodes.ts';
import { command, look, repair } from '../remedies/steps.ts';

/** Holders and conflicts that a finding lists. */
const SHOWN = 8;

/**
 * Two pods of one node have the same address (amazon-vpc-cni-k8s#711, calico#6968), or pods of two nodes do
 * (flannel#1437). Two pods in one namespace are a different fault.
 *
 * A node is believed only about its own pods. For two pods of one node, the API shows which had the address
 * first. For pods of two nodes, nothing does: each kubelet writes its own pods' addresses into the API, and
 * IPAM blocks need not follow podCIDRs. A conflict between nodes is therefore a finding about the address: it
 * names all holders and does not suggest deleting any.
 */
export const podAddressDuplicate = defineClusterCheck({
  id: 'pod-address-duplicate',
  topic: 'addresses',
  severity: 'critical',
  title: "No other pod holds the pod's address",
  failureTitle: 'Several pods have the same address',
  why:
    'Packets for the address reach sometimes one pod, sometimes the other: connections break at random, ' +
    'requests and their credentials arrive at the wrong pod, and a network policy for one applies to ' +
    'the other.',
  run({ podAddresses }, { now }) {
    const pods = Map.groupBy(podAddresses, keyOf);
    const few = podAddresses.filter((held) => (pods.get(keyOf(held))?.length ?? 0) <= ADDRESSES_OF_A_POD);
    const struck = new Map<string, Conflict[]>();
    // Keeps the order of one node's objects independent of what other nodes report.
    for (const own of Map.groupBy(few, ({ node }) => node).values())
      for (const conflict of byAddress(own).flatMap(conflictsOf)) {
        const found = struck.get(keyOf(conflict.intruder));
        if (found === undefined) struck.set(keyOf(conflict.intruder), [conflict]);
        else found.push(conflict);
      }
    const shared = byAddress(few).flatMap((holders) => sharedOf(holders, now) ?? []);
    const overlaps = overlapsOf(shared);
    return [
      ...[...pods].map(([key, [held]]) => outcomeOf(held, pods.get(key)?.length ?? 0, struck.get(key))),
      ...shared.filter((each) => !overlaps.explain(each)).map(betweenNodes),
      ...overlaps.pairs.map(overlapping),
    ];
  },
});

/** One address in the namespaces of two pods on one node. */
type Conflict = { readonly intruder: PodAddress; readonly rightful: PodAddress };

function byAddress(held: readonly PodAddress[]): PodAddress[][] {
  return [...Map.groupBy(held, ({ address }) => address).values()];
}

const keyOf = ({ node, pod }: PodAddress) => `${node} ${pod.uid}`;

function outcomeOf(
  held: PodAddress | undefined,
  addresses: number,
  conflicts: readonly Conflict[] | undefined,
): Outcome {
  const object = podObject(held?.pod ?? { namespace: '', name: '' }, held?.node ?? '');
  if (addresses > ADDRESSES_OF_A_POD)
    return unknown(object, `a pod holds more than ${ADDRESSES_OF_A_POD} addresses, which are not compared`);
  return conflicts === undefined ? pass(object) : duplicate(object, conflicts);
}

/** Pairs each later holder with the first. Holders in the same namespace are left to pods-share-network. */
function conflictsOf(holders: readonly PodAddress[]): Conflict[] {
  // If the API gives this address to no pod, the pods share it on purpose (a VRRP virtual address).
  if (holders.length < 2 || !holders.some(({ inPodStatus }) => inPodStatus)) return [];
  const [rightful, ...later] = holders.toSorted(
    (a, b) =>
      Number(b.inPodStatus) - Number(a.inPodStatus) ||
      Date.parse(a.podCreatedAt) - Date.parse(b.podCreatedAt) ||
      (nameOf(a) < nameOf(b) ? -1 : 1),
  );
  if (rightful === undefined) return [];
  return later.flatMap((intruder) =>
    intruder.pod.uid === rightful.pod.uid || intruder.namespace === rightful.namespace
      ? []
      : [{ intruder, rightful }],
  );
}

/** Nodes are read one after another, so an address may be freed on one and reassigned on the next in between. */
function sharedOf(holders: readonly PodAddress[], now: number): SharedAddress | null {
  const settled = holders
    .filter(({ createdAt }) => Date.parse(createdAt) < now)
    .toSorted((a, b) => (`${a.node} ${nameOf(a)}` < `${b.node} ${nameOf(b)}` ? -1 : 1));
  const [first] = settled;
  if (first === undefined || settled.every(({ node }) => node === first.node)) return null;
  return settled.some(({ inPodStatus }) => inPodStatus) ? { address: first.address, holders: settled } : null;
}

function duplicate(object: AuditedObject, conflicts: readonly Conflict[]): Outcome {
  const rightful = conflicts.map((conflict) => nameOf(conflict.rightful));
  return fail(object, {
    detail: listed(
      conflicts.map(
        ({ intruder, rightful: first }) =>
          `The pod holds ${first.address}, and so does ${nameOf(first)} on the same ` +
          `node${intruder.inPodStatus ? ', which had it first' : "; the API shows it as that pod's only"}.`,
      ),
      SHOWN,
      ' ',
    ),
    confidence: 'confirmed',
    evidence: rowsOf(conflicts, SHOWN, ({ intruder, rightful: first }) =>
      [intruder, first].map((held) => ({
        ...holderRow(held),
        ...(held === intruder ? { expected: nameOf(first) } : {}),
      })),
    ),
    remedy: [
      look('See whether a controller owns the pod; save it first if none does.', owner(object)),
      repair(
        'Delete it; a new one gets another address.',
        command('kubectl', 'delete', 'pod', '-n', object.namespace ?? '', object.name),
      ),
      repair(
        `If ${listed([...new Set(rightful)])} still cannot be reached, delete that too, and look at the findings about IPAM on the node.`,
      ),
    ],
  });
}

function betweenNodes({ address, holders }: SharedAddress): Outcome {
  const shown = holders.filter(({ inPodStatus }) => inPodStatus);
  const names = listed(
    holders.map((held) => `${nameOf(held)} on ${held.node}`),
    SHOWN,
    ' and ',
  );
  const inApi =
    shown.length === holders.length ? 'all of them' : `${listed(shown.map(nameOf), SHOWN, ' and ')} only`;
  return fail(
    { kind: 'address', name: address },
    {
      detail:
        `${address} is held by ${names}. The API shows it as the address of ${inApi}. Each node reports ` +
        'only its own pods, so only the nodes themselves can show which one is wrong.',
      confidence: 'probable',
      evidence: rowsOf(holders, SHOWN, holderRow),
      remedy: [
        ...holders
          .slice(0, SHOWN)
          .map(({ pod, node }) =>
            look(
              `Compare the pods: what the API shows of ${namespacedName(pod)} on ${node}.`,
              owner(podObject(pod, node)),
            ),
          ),
        look(
          'See on each of the nodes for which pod its IPAM recorded the address, and the findings about IPAM ' +
            'there. In the wrong is a pod whose own node has no record of it, or another one.',
        ),
      ],
    },
  );
}

function holderRow(held: PodAddress) {
  return {
    what: `holder of ${held.address}`,
    actual: `${nameOf(held)} on ${held.node}, a pod since ${held.podCreatedAt}`,
    source: `ip addr (netns ${held.namespace} of ${held.node})${held.inPodStatus ? ', and API: pod.status.podIPs' : ''}`,
  };
}

function owner({ namespace, name }: AuditedObject): string {
  return command(
    ...['kubectl', 'get', 'pod', '-n', namespace ?? '', name],
    ...['-o', 'custom-columns=OWNER:.metadata.ownerReferences[*].kind,IPS:.status.podIPs[*].ip'],
  );
}

function nameOf({ pod }: PodAddress): string {
  return namespacedName(pod);
}
