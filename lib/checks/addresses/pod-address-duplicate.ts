import type { AuditedObject, RemedyStep } from '../../model/finding.ts';
import type { PodAddress } from '../../model/node-result.ts';
import { defineClusterCheck, fail, type Outcome, pass, podObject } from '../define.ts';
import { command, look, repair } from '../remedies.ts';
import { counted, listed, rowsOf } from '../text.ts';

/** More addresses than this on the same two nodes are not chance: both give out the same subnet. */
const FEW = 3;

/** On one node (amazon-vpc-cni-k8s#711, calico#6968) or on two (flannel#1437); a namespace shared by two pods is another fault. */
export const podAddressDuplicate = defineClusterCheck({
  id: 'pod-address-duplicate',
  topic: 'addresses',
  severity: 'critical',
  title: "No other pod holds the pod's address",
  failureTitle: 'Address held by more than one pod',
  why: 'Packets for the address reach now one pod, now the other: connections break at random, requests and their credentials arrive at a stranger, and a network policy for one holds for the other.',
  run({ podAddresses }, { now }) {
    const conflicts = [...Map.groupBy(podAddresses, ({ address }) => address).values()].flatMap((holders) =>
      conflictsOf(holders, now),
    );
    const overlapping = overlaps(conflicts);
    const struck = new Map<string, Conflict[]>();
    for (const conflict of conflicts) {
      if (overlapping.has(nodesOf(conflict))) continue;
      const { uid } = conflict.intruder.pod;
      struck.set(uid, [...(struck.get(uid) ?? []), conflict]);
    }
    const pods = new Map(podAddresses.map((held) => [held.pod.uid, held]));
    return [
      ...[...pods.values()].map((held): Outcome => {
        const object = podObject(held.pod, held.node);
        const found = struck.get(held.pod.uid);
        return found === undefined ? pass(object) : duplicate(object, found);
      }),
      ...[...overlapping.values()].map(overlap),
    ];
  },
});

/** One address in the namespaces of two pods. */
type Conflict = { readonly intruder: PodAddress; readonly rightful: PodAddress };

/** Each later holder of an address beside its first. Holders of one namespace share it: pods-share-network. */
function conflictsOf(holders: readonly PodAddress[], now: number): Conflict[] {
  // An address that no pod has in the API is one the pods share on purpose (a virtual address of VRRP).
  if (holders.length < 2 || !holders.some(({ inPodStatus }) => inPodStatus)) return [];
  const [rightful, ...later] = holders.toSorted(
    (a, b) =>
      Number(b.inPodStatus) - Number(a.inPodStatus) || Date.parse(a.createdAt) - Date.parse(b.createdAt),
  );
  if (rightful === undefined) return [];
  return later.flatMap((intruder) => {
    if (intruder.pod.uid === rightful.pod.uid) return [];
    if (intruder.node === rightful.node && intruder.namespace === rightful.namespace) return [];
    // Nodes are read one after the other: an address may be freed here and given to a new pod there meanwhile.
    const both = intruder.node === rightful.node || Date.parse(intruder.createdAt) < now;
    return both ? [{ intruder, rightful }] : [];
  });
}

const nodesOf = ({ intruder, rightful }: Conflict) => [rightful.node, intruder.node].toSorted().join(' and ');

/** Conflicts by pair of nodes, where they are too many to be each its own. */
function overlaps(conflicts: readonly Conflict[]): Map<string, readonly Conflict[]> {
  const between = conflicts.filter(({ intruder, rightful }) => intruder.node !== rightful.node);
  return new Map(
    [...Map.groupBy(between, nodesOf)].filter(
      ([, found]) => new Set(found.map(({ rightful }) => rightful.address)).size > FEW,
    ),
  );
}

function duplicate(object: AuditedObject, conflicts: readonly Conflict[]): Outcome {
  return fail(object, {
    detail: conflicts
      .map(
        ({ intruder, rightful }) =>
          `The pod holds ${rightful.address}, and so does ${nameOf(rightful)} on ${rightful.node === intruder.node ? 'the same node' : `node ${rightful.node}`}${intruder.inPodStatus ? ', which had it first' : "; the API shows it as that pod's only"}.`,
      )
      .join(' '),
    confidence: 'confirmed',
    evidence: conflicts.flatMap(({ intruder, rightful }) =>
      [intruder, rightful].map((held) => ({
        what: `holder of ${held.address}`,
        ...(held === intruder ? { expected: nameOf(rightful) } : {}),
        actual: `${nameOf(held)} on ${held.node}, since ${held.createdAt}`,
        source: `ip addr (netns ${held.namespace} of ${held.node})${held.inPodStatus ? ', and API: pod.status.podIPs' : ''}`,
      })),
    ),
    remedy: [
      look('See whether a controller owns the pod; save it first if none does.', owner(object)),
      repair(
        'Delete it; a new one gets another address.',
        command('kubectl', 'delete', 'pod', '-n', object.namespace ?? '', object.name),
      ),
      repair(
        `If ${listed(conflicts.map(({ rightful }) => nameOf(rightful)))} still cannot be reached, delete that too, and look at the findings about IPAM on both nodes.`,
      ),
    ],
  });
}

function owner({ namespace, name }: AuditedObject): string {
  return command(
    ...['kubectl', 'get', 'pod', '-n', namespace ?? '', name],
    ...['-o', 'custom-columns=OWNER:.metadata.ownerReferences[*].kind,IPS:.status.podIPs[*].ip'],
  );
}

/** Two nodes with one subnet, such as the default bridge of CRI-O or podman on each: one fault, told once. */
function overlap(conflicts: readonly Conflict[]): Outcome {
  const nodes = [
    ...new Set(conflicts.flatMap(({ rightful, intruder }) => [rightful.node, intruder.node])),
  ].sort();
  const addresses = [...new Set(conflicts.map(({ rightful }) => rightful.address))];
  const networks = [
    ...new Set(conflicts.flatMap(({ rightful, intruder }) => [rightful.network, intruder.network])),
  ];
  const steps: RemedyStep[] = [
    look(
      'Compare what the nodes give out; the subnets of no two nodes may overlap.',
      "kubectl get nodes -o custom-columns='NAME:.metadata.name,PODCIDRS:.spec.podCIDRs'",
    ),
    repair(
      `Correct the CNI configuration (network ${networks.join(', ')}) in /etc/cni/net.d of the node that gives out addresses of another's subnet. Then drain that node (kubectl drain NODE --ignore-daemonsets --delete-emptydir-data), so that its pods get new ones.`,
    ),
  ];
  return fail(
    { kind: 'node', name: nodes[0] ?? '', path: nodes.slice(1).join(' ') },
    {
      detail: `${nodes.join(' and ')} give out the same addresses: ${counted(addresses.length, 'address', 'addresses')} are held on both, such as ${listed(addresses, 3)} (network ${networks.join(', ')}).`,
      confidence: 'confirmed',
      evidence: rowsOf(conflicts, FEW, ({ rightful, intruder }) =>
        [rightful, intruder].map((held) => ({
          what: `holder of ${held.address}`,
          actual: `${nameOf(held)} on ${held.node}`,
          source: `ip addr (netns ${held.namespace} of ${held.node})`,
        })),
      ),
      remedy: steps,
    },
  );
}

function nameOf({ pod }: PodAddress): string {
  return `${pod.namespace}/${pod.name}`;
}
