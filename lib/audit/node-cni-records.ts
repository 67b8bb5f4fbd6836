/** The CNI agents' API records that one node is judged by. */
import { type Cluster, listCalicoBlock, listCiliumEndpoint } from '../cluster/index.ts';
import type { CalicoBlock, CiliumEndpoint, CniRecords } from '../model/cni-records.ts';
import { AuditError } from '../model/errors.ts';
import type { Node, Pod } from '../model/kubernetes.ts';
import { namespacedName } from '../model/namespaced-name.ts';

/** Most objects per node that are read again if they seem left over, as their pods may have gone after the list. */
const ASKED_AGAIN = 10;

type ListOptions = { readonly signal: AbortSignal };

/**
 * @param records - of the whole cluster, from the run's plan
 * @param pods - of the node, listed after the probe ended
 * @returns records of the node and its pods; endpoints and blocks that seem left over are current
 * @throws AuditError ABORTED
 */
export async function cniRecordsOf(
  cluster: Cluster,
  records: CniRecords,
  { node, pods }: { readonly node: Node; readonly pods: readonly Pod[] },
  options: ListOptions,
): Promise<CniRecords> {
  const names = new Set(pods.map(namespacedName));
  const addresses = new Set(pods.flatMap((pod) => (pod.hostNetwork ? [] : pod.podIPs)));
  const { ciliumEndpoints, calicoBlocks } = records;
  const endpoints =
    ciliumEndpoints.status === 'present'
      ? await standingEndpoints(cluster, ofNode(ciliumEndpoints.value, node, names), { node, names }, options)
      : null;
  const blocks =
    calicoBlocks.status === 'present'
      ? await standingBlocks(cluster, blocksOf(calicoBlocks.value, node, addresses), { node, names }, options)
      : null;
  return {
    takenAt: records.takenAt,
    ciliumEndpoints: endpoints === null ? ciliumEndpoints : { status: 'present', value: endpoints.standing },
    calicoBlocks: blocks === null ? calicoBlocks : { status: 'present', value: blocks },
    unconfirmed: endpoints?.unconfirmed ?? 0,
  };
}

type OnNode = { readonly node: Node; readonly names: ReadonlySet<string> };

const isOn = (endpoint: CiliumEndpoint, node: Node) =>
  endpoint.node !== null && node.addresses.includes(endpoint.node);

function ofNode(all: readonly CiliumEndpoint[], node: Node, names: ReadonlySet<string>): CiliumEndpoint[] {
  return all.filter((endpoint) => isOn(endpoint, node) || names.has(namespacedName(endpoint)));
}

async function standingEndpoints(
  cluster: Cluster,
  all: readonly CiliumEndpoint[],
  { node, names }: OnNode,
  options: ListOptions,
): Promise<{ standing: CiliumEndpoint[]; unconfirmed: number }> {
  const [owned = [], left = []] = split(all, (endpoint) => names.has(namespacedName(endpoint)));
  const again = await Promise.all(
    left
      .slice(0, ASKED_AGAIN)
      .map((endpoint) => orKnown(endpoint, () => listCiliumEndpoint(cluster, endpoint, options))),
  );
  return {
    standing: [
      ...owned,
      ...again.filter((endpoint) => endpoint !== null && isOn(endpoint, node)),
    ] as CiliumEndpoint[],
    unconfirmed: Math.max(0, left.length - ASKED_AGAIN),
  };
}

function blocksOf(all: readonly CalicoBlock[], node: Node, addresses: ReadonlySet<string>): CalicoBlock[] {
  return all.filter(
    (block) =>
      block.node === node.name ||
      block.allocations.some((taken) => taken.node === node.name || addresses.has(taken.address)),
  );
}

async function standingBlocks(
  cluster: Cluster,
  blocks: readonly CalicoBlock[],
  { node, names }: OnNode,
  options: ListOptions,
): Promise<CalicoBlock[]> {
  const taken = blocks.flatMap(({ allocations }) => allocations.filter((each) => each.node === node.name));
  const handles = Map.groupBy(taken, ({ pod }) => pod);
  // A StatefulSet pod has the name of its predecessor, and may find its leftovers.
  const isLeft = ({ pod, node: on }: CalicoBlock['allocations'][number]) =>
    pod !== null &&
    on === node.name &&
    (!names.has(pod) || new Set(handles.get(pod)?.map(({ handle }) => handle)).size > 1);
  let asked = 0;
  const again = await Promise.all(
    blocks.map(async (block) => {
      if (!block.allocations.some(isLeft) || asked >= ASKED_AGAIN) return block;
      asked += 1;
      return orKnown(block, () => listCalicoBlock(cluster, block.name, options));
    }),
  );
  return again.filter((block) => block !== null);
}

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

/** If the API does not answer again, the first answer holds. */
async function orKnown<T>(known: T, ask: () => Promise<T | null>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AuditError && error.code === 'ABORTED') throw error;
    return known;
  }
}
