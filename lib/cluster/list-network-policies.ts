/**
 * Where network policies are: they may drop a ping on purpose. Optional rights, listed only if pods are to ping each
 * other.
 */
import * as z from 'zod';
import { NETWORK_POLICIES } from '../model/cni-names.ts';
import type { NetworkPolicies } from '../model/crossing.ts';
import type { Cluster } from './connect.ts';
import { type ListOptions, listIfAllowed } from './list.ts';

const rawPolicy = z.object({ metadata: z.object({ namespace: z.string().optional() }) });

/** @throws AuditError ABORTED */
export async function listNetworkPolicies(
  cluster: Cluster,
  options: ListOptions = {},
): Promise<NetworkPolicies> {
  const lists = await Promise.all(
    NETWORK_POLICIES.map(async ({ group, version, resource, namespaced }) => ({
      kind: `${resource}.${group}`,
      namespaced,
      list: await listIfAllowed(
        cluster,
        `list ${resource}.${group}`,
        `/apis/${group}/${version}/${resource}`,
        (item) => rawPolicy.parse(item).metadata.namespace ?? '',
        options,
      ),
    })),
  );
  const present = lists.flatMap(({ kind, namespaced, list }) =>
    list.status === 'present' ? [{ kind, namespaced, namespaces: list.value }] : [],
  );
  const unread = lists.flatMap(({ list }) => (list.status === 'failed' ? [list.reason] : []));
  return {
    namespaces: [
      ...new Set(present.flatMap(({ namespaced, namespaces }) => (namespaced ? namespaces : []))),
    ].toSorted(),
    everywhere: present.flatMap(({ kind, namespaced }) => (namespaced ? [] : [kind])),
    unread: unread[0] ?? null,
  };
}
