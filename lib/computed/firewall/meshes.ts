/** Which service mesh a pod is enrolled in, and which of its packets the rules in its namespace redirect. */
import { ISTIO_CNI, LINKERD_CNI } from '../../model/cni-plugins.ts';
import type { Pod } from '../../model/kubernetes.ts';
import type { PacketFilter } from '../../model/network.ts';
import { withoutComments } from './packet-filter-rules.ts';

export type Mesh = {
  readonly name: string;
  /** Names of the chains that redirect, which occur in its rules. */
  readonly chains: RegExp;
  /** Redirects only by packet filters, unless another tool does so in eBPF (Merbridge). */
  readonly byRulesAlone: boolean;
  /** The node's agent that writes the rules as a CNI plugin; null if a container of the pod writes them. */
  readonly agent: string | null;
};

/** Incoming and outgoing traffic. */
export type RedirectHook = 'prerouting' | 'output';

const ISTIO = /^(ISTIO_|istio-)/;
const MESHES = {
  ambient: { name: 'Istio (ambient)', chains: ISTIO, byRulesAlone: true, agent: ISTIO_CNI },
  sidecar: { name: 'Istio (sidecar)', chains: ISTIO, byRulesAlone: true, agent: null },
  // The same mesh, with rules written by the node's agent.
  sidecarByAgent: { name: 'Istio (sidecar)', chains: ISTIO, byRulesAlone: true, agent: ISTIO_CNI },
  linkerd: { name: 'Linkerd', chains: /^PROXY_INIT_/, byRulesAlone: true, agent: null },
  linkerdByAgent: { name: 'Linkerd', chains: /^PROXY_INIT_/, byRulesAlone: true, agent: LINKERD_CNI },
  kuma: { name: 'Kuma', chains: /^KUMA_MESH_/, byRulesAlone: false, agent: null },
  consul: { name: 'Consul', chains: /^CONSUL_/, byRulesAlone: false, agent: null },
} as const satisfies Record<string, Mesh>;

/**
 * The mesh whose proxy should get the pod's packets; null if none. A proxy alone proves nothing: gateways
 * have one and no rules, and so do pods with Istio's interceptionMode NONE; both lack the init container that
 * writes the rules or waits for them.
 */
export function meshOf({ containers, annotations }: Pick<Pod, 'containers' | 'annotations'>): Mesh | null {
  const has = (name: string, isInit = false) =>
    containers.some((container) => container.name === name && (container.role === 'init') === isInit);
  if (has('istio-proxy')) {
    if (annotations['sidecar.istio.io/interceptionMode'] === 'NONE') return null;
    if (has('istio-init', true)) return MESHES.sidecar;
    return has('istio-validation', true) ? MESHES.sidecarByAgent : null;
  }
  // Set by Istio's agent once its rules are in the pod.
  if (annotations['ambient.istio.io/redirection'] === 'enabled') return MESHES.ambient;
  if (has('linkerd-proxy')) return has('linkerd-init', true) ? MESHES.linkerd : MESHES.linkerdByAgent;
  if (has('kuma-sidecar')) return MESHES.kuma;
  return annotations['consul.hashicorp.com/transparent-proxy-status'] === 'enabled' ? MESHES.consul : null;
}

/** Directions that the pod's annotations exclude from the mesh; `TPROXY` needs no nat rules for incoming traffic. */
export function exempt({ annotations }: Pick<Pod, 'annotations'>): ReadonlySet<RedirectHook> {
  const inbound =
    annotations['traffic.sidecar.istio.io/includeInboundPorts'] === '' ||
    annotations['sidecar.istio.io/interceptionMode'] === 'TPROXY' ||
    annotations['ambient.istio.io/bypass-inbound-capture'] === 'true';
  return new Set(inbound ? ['prerouting'] : []);
}

/** Directions in which a base chain of a nat table passes packets to a chain of the mesh. */
export function redirected(filters: readonly PacketFilter[], { chains }: Mesh): ReadonlySet<RedirectHook> {
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
