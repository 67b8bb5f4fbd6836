/** A CNI agent's records of pods, and the pods. */
import { CALICO_ANNOTATION, CILIUM_ENDPOINTS } from '../../model/cni-names.ts';
import { CALICO, CILIUM_CNI, type KnownPlugin } from '../../model/cni-plugins.ts';
import type { CniEndpoints } from '../../model/evidence.ts';
import { namespacedName } from '../../model/namespaced-name.ts';

export type CniEndpoint = CniEndpoints['endpoints'][number];

/** Where a plugin records its endpoints. */
type EndpointRecords = {
  /** The plugin whose pods have these endpoints. */
  readonly plugin: KnownPlugin;
  /**
   * `object`: the agent creates an object in the API after the pod has its network, and again when the object
   * is gone. `annotations`: the pod is the endpoint, and only a new pod gets new ones.
   */
  readonly form: 'object' | 'annotations';
  /** Where a report says that it was read. */
  readonly source: string;
};

const RECORDS: Readonly<Record<CniEndpoints['kind'], EndpointRecords>> = {
  cilium: { plugin: CILIUM_CNI, form: 'object', source: `API: ${CILIUM_ENDPOINTS.resource}` },
  calico: {
    plugin: CALICO,
    form: 'annotations',
    source: `API: annotations ${CALICO_ANNOTATION}… of the pod`,
  },
};

/** What is known about the records of the plugin that has these endpoints. */
export function endpointRecords({ kind }: CniEndpoints): EndpointRecords {
  return RECORDS[kind];
}

/** The CNI's records, by {@link namespacedName}. */
export function endpointsByPod({ endpoints }: CniEndpoints): ReadonlyMap<string, CniEndpoint> {
  return new Map(endpoints.map((endpoint) => [namespacedName(endpoint), endpoint]));
}
