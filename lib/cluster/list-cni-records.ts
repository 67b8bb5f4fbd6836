/** Lists CNI agents' records in the API. Optional rights, and most clusters have one of these kinds or none. */
import { CALICO_BLOCKS, CILIUM_ENDPOINTS } from '../model/cni-names.ts';
import type { CalicoBlock, CiliumEndpoint, CniRecords } from '../model/cni-records.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll, listIfAllowed } from './list.ts';
import { reduceCalicoBlock, reduceCiliumEndpoint } from './reduce-cni-records.ts';

const ENDPOINTS = `/apis/${CILIUM_ENDPOINTS.group}/${CILIUM_ENDPOINTS.version}`;
const BLOCKS = `/apis/${CALICO_BLOCKS.group}/${CALICO_BLOCKS.version}/${CALICO_BLOCKS.resource}`;

/** @throws AuditError ABORTED */
export async function listCniRecords(cluster: Cluster, options: ListOptions = {}): Promise<CniRecords> {
  const takenAt = new Date().toISOString();
  const [ciliumEndpoints, calicoBlocks] = await Promise.all([
    listIfAllowed(
      cluster,
      'list ciliumendpoints',
      `${ENDPOINTS}/${CILIUM_ENDPOINTS.resource}`,
      reduceCiliumEndpoint,
      options,
    ),
    listIfAllowed(cluster, 'list ipamblocks', BLOCKS, reduceCalicoBlock, options),
  ]);
  return { takenAt, ciliumEndpoints, calicoBlocks, unconfirmed: 0 };
}

/** The current endpoint; null if there is none of that name. @throws AuditError CLUSTER_* */
export async function listCiliumEndpoint(
  cluster: Cluster,
  { namespace, name }: Pick<CiliumEndpoint, 'namespace' | 'name'>,
  options: ListOptions = {},
): Promise<CiliumEndpoint | null> {
  const path = `${ENDPOINTS}/namespaces/${encodeURIComponent(namespace)}/${CILIUM_ENDPOINTS.resource}`;
  return one(cluster, `list ciliumendpoints in ${namespace}`, path, name, reduceCiliumEndpoint, options);
}

/** The current block; null if there is none of that name. @throws AuditError CLUSTER_* */
export async function listCalicoBlock(
  cluster: Cluster,
  name: string,
  options: ListOptions = {},
): Promise<CalicoBlock | null> {
  return one(cluster, 'list ipamblocks', BLOCKS, name, reduceCalicoBlock, options);
}

/** Listed by name, as the role only has the right to list. */
async function one<T>(
  cluster: Cluster,
  what: string,
  path: string,
  name: string,
  reduce: (item: unknown) => T,
  options: ListOptions,
): Promise<T | null> {
  const query = { fieldSelector: `metadata.name=${name}` };
  return (await listAll(cluster, what, path, query, reduce, options)).items[0] ?? null;
}
