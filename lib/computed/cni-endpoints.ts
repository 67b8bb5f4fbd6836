/** What a CNI agent has on file about pods, and the pods. */
import { CALICO, CILIUM_CNI, type KnownPlugin } from '../model/cni-plugins.ts';
import type { CniEndpoints } from '../model/evidence.ts';

export type CniEndpoint = CniEndpoints['endpoints'][number];

/** The plugin whose pods have these endpoints. */
export function endpointPlugin({ kind }: CniEndpoints): KnownPlugin {
  return kind === 'cilium' ? CILIUM_CNI : CALICO;
}

/** The name by which endpoints and pods are matched. */
export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** What the CNI has on file, by `podKey`. */
export function endpointsByPod({ endpoints }: CniEndpoints): ReadonlyMap<string, CniEndpoint> {
  return new Map(endpoints.map((endpoint) => [podKey(endpoint), endpoint]));
}
