/** Which service mesh a pod is enrolled in, and which packets of it the rules in its namespace redirect. */
import { ISTIO_CNI, LINKERD_CNI } from '../model/cni-plugins.ts';
import type { Pod } from '../model/kubernetes.ts';
import type { PacketFilter } from '../model/network.ts';
import { withoutComments } from './packet-filter-rules.ts';

export type Mesh = {
  readonly name: string;
  /** Words of the rules by which it redirects: names of its chains. */
  readonly chains: RegExp;
  /** Redirects by packet filters alone, unless something beside it does so in eBPF (Merbridge). */
  readonly byRulesAlone: boolean;
  /** The agent of the node that writes the rules, as CNI plugin; null where a container of the pod does. */
  readonly agent: string | null;
};

/** What comes in and what goes out. */
export type Direction = 'prerouting' | 'output';

const ISTIO = /^(ISTIO_|istio-)/;
const MESHES = {
  ambient: { name: 'Istio (ambient)', chains: ISTIO, byRulesAlone: true, agent: ISTIO_CNI },
  sidecar: { name: 'Istio (sidecar)', chains: ISTIO, byRulesAlone: true, agent: null },
  // The same with rules that the node's agent writes.
  sidecarByAgent: { name: 'Istio (sidecar)', chains: ISTIO, byRulesAlone: true, agent: ISTIO_CNI },
  linkerd: { name: 'Linkerd', chains: /^PROXY_INIT_/, byRulesAlone: true, agent: null },
  linkerdByAgent: { name: 'Linkerd', chains: /^PROXY_INIT_/, byRulesAlone: true, agent: LINKERD_CNI },
  kuma: { name: 'Kuma', chains: /^KUMA_MESH_/, byRulesAlone: false, agent: null },
  consul: { name: 'Consul', chains: /^CONSUL_/, byRulesAlone: false, agent: null },
} as const satisfies Record<string, Mesh>;

/**
 * The mesh whose proxy is to have the pod's packets; null for none. A proxy alone is no proof: gateways have one and no rules, and
 * so has Istio's interceptionMode NONE; both lack the init container that writes the rules or waits for them.
 */
export function meshOf({ containers, annotations }: Pick<Pod, 'containers' | 'annotations'>): Mesh | null {
  const has = (name: string, isInit = false) =>
    containers.some((container) => container.name === name && (container.role === 'init') === isInit);
  if (has('istio-proxy')) {
    if (annotations['sidecar.istio.io/interceptionMode'] === 'NONE') return null;
    if (has('istio-init', true)) return MESHES.sidecar;
    return has('istio-validation', true) ? MESHES.sidecarByAgent : null;
  }
  // What Istio's agent notes when it has put its rules into the pod.
  if (annotations['ambient.istio.io/redirection'] === 'enabled') return MESHES.ambient;
  if (has('linkerd-proxy')) return has('linkerd-init', true) ? MESHES.linkerd : MESHES.linkerdByAgent;
  if (has('kuma-sidecar')) return MESHES.kuma;
  return annotations['consul.hashicorp.com/transparent-proxy-status'] === 'enabled' ? MESHES.consul : null;
}

/** Directions that the pod's annotations take out of the mesh; `TPROXY` needs no nat for what comes in. */
export function exempt({ annotations }: Pick<Pod, 'annotations'>): ReadonlySet<Direction> {
  const inbound =
    annotations['traffic.sidecar.istio.io/includeInboundPorts'] === '' ||
    annotations['sidecar.istio.io/interceptionMode'] === 'TPROXY' ||
    annotations['ambient.istio.io/bypass-inbound-capture'] === 'true';
  return new Set(inbound ? ['prerouting'] : []);
}

/** Directions in which a base chain of a nat table hands packets to a chain of the mesh. */
export function redirected(filters: readonly PacketFilter[], { chains }: Mesh): ReadonlySet<Direction> {
  const isOfMesh = (rule: string) =>
    withoutComments(rule)
      .split(/[\s"']+/)
      .some((word) => chains.test(word));
  return new Set(
    filters
      .flatMap(({ tables }) => tables)
      .filter(({ name }) => /(^|[ -])nat$/.test(name))
      .flatMap((table) => table.chains)
      .flatMap(({ hook, rules }) =>
        (hook === 'prerouting' || hook === 'output') && rules.some(isOfMesh) ? [hook] : [],
      ),
  );
}
