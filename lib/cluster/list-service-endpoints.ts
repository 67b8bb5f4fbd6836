/** Lists the pods that are ready endpoints of Services: one list per run, with an optional right. */
import * as z from 'zod';
import type { DnsService } from '../model/kubernetes.ts';
import type { ServedPod, ServiceEndpoints } from '../model/service-endpoints.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listAll, listIfAllowed } from './list.ts';

const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';

const rawSlice = z.object({
  metadata: z.object({ namespace: z.string(), labels: z.record(z.string(), z.string()).optional() }),
  endpoints: z
    .array(
      z.object({
        addresses: z.array(z.string()).default([]),
        conditions: z.object({ ready: z.boolean().nullish(), serving: z.boolean().nullish() }).nullish(),
        targetRef: z.object({ kind: z.string().optional(), name: z.string().optional() }).nullish(),
      }),
    )
    .nullish(),
});

/** @throws AuditError ABORTED */
export async function listServiceEndpoints(
  cluster: Cluster,
  options: ListOptions = {},
): Promise<ServiceEndpoints> {
  const slices = await listIfAllowed(cluster, 'list endpointslices', SLICES, reduceSlice, options);
  if (slices.status !== 'present') return slices;
  // A pod with several ports or addresses is in several slices.
  const byName = new Map(slices.value.flat().map((served) => [Object.values(served).join('/'), served]));
  return { status: 'present', value: [...byName.values()] };
}

/** More than this many addresses are not kept. */
const ADDRESSES = 1000;

/**
 * How many endpoints of a Service get its traffic: those that are ready, and those that end but still serve,
 * which are used where no other is left. Slices written by hand need not name a pod. And the addresses of all
 * of them.
 *
 * @throws AuditError CLUSTER_*
 */
export async function readEndpoints(
  cluster: Cluster,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  options: ListOptions = {},
): Promise<Required<Pick<DnsService, 'endpoints' | 'endpointAddresses'>> & { readonly endpoints: number }> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;
  const query = { labelSelector: `kubernetes.io/service-name=${name}` };
  const what = `list endpointslices in ${namespace}`;
  const { items } = await listAll(cluster, what, path, query, (item) => rawSlice.parse(item), options);
  const endpoints = items.flatMap((slice) => slice.endpoints ?? []);
  const addresses = [...new Set(endpoints.flatMap((endpoint) => endpoint.addresses))];
  return {
    endpoints: endpoints.filter(
      ({ conditions }) => conditions?.ready !== false || conditions.serving === true,
    ).length,
    endpointAddresses: addresses.length > ADDRESSES ? null : addresses,
  };
}

/** Slices written by hand need not name a pod. An unknown condition counts as ready. */
function reduceSlice(item: unknown): ServedPod[] {
  const { metadata, endpoints } = rawSlice.parse(item);
  const { namespace } = metadata;
  const service = metadata.labels?.['kubernetes.io/service-name'];
  if (service === undefined) return [];
  return (endpoints ?? []).flatMap(({ conditions, targetRef }) =>
    conditions?.ready === false || targetRef?.kind !== 'Pod' || targetRef.name === undefined
      ? []
      : [{ namespace, pod: targetRef.name, service }],
  );
}
