/** A CNI agent's records of pods, and the pods. */
import { CALICO, CILIUM_CNI, type KnownPlugin } from '../model/cni-plugins.ts';
import type { CniEndpoints } from '../model/evidence.ts';

export type CniEndpoint = CniEndpoints['endpoints'][number];

const PLUGINS: Readonly<Record<CniEndpoints['kind'], KnownPlugin>> = { cilium: CILIUM_CNI, calico: CALICO };

/** The plugin whose pods have these endpoints. */
export function endpointPlugin({ kind }: CniEndpoints): KnownPlugin {
  return PLUGINS[kind];
}

/** The key by which endpoints and pods are matched. */
export function podKey({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** The CNI's records, by `podKey`. */
export function endpointsByPod({ endpoints }: CniEndpoints): ReadonlyMap<string, CniEndpoint> {
  return new Map(endpoints.map((endpoint) => [podKey(endpoint), endpoint]));
}
