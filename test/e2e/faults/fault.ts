/** A fault as data: how to create it, which check must find it, and how to repair it. */
import type { Platform, Variables } from '../cluster.ts';

export type Fault = {
  /** Also the name of the victim's Deployment. */
  readonly id: string;
  /** Check that must find it. */
  readonly check: string;
  /** The finding's object: `$NAME` is replaced by a variable. Default: the (first) victim pod. */
  readonly object?: Readonly<Record<string, string>>;
  /** Number of victim pods; 0 for faults of a node. Variables of the second one begin with OTHER_. Default 1. */
  readonly pods?: 0 | 1 | 2;
  readonly annotations?: Variables;
  /** Merged into the victims' pod spec. */
  readonly podSpec?: object;
  /** Merged into the victims' only container. */
  readonly container?: object;
  /**
   * Where the script runs: on the node with its programs, with the injector's programs in the node's or the
   * pod's network, or on this machine with kubectl and jq.
   */
  readonly where: 'node' | 'node-network' | 'pod-network' | 'cluster';
  /** Shell; lines `NAME=value` in its output become variables. */
  readonly inject: string;
  /** Texts that the finding must contain: the values that prove it. `$NAME` is replaced by a variable. */
  readonly shows: readonly string[];
  /** Other findings that the same fault is known to cause, reported as independent ones. */
  readonly also?: readonly { readonly check: string; readonly object?: Readonly<Record<string, string>> }[];
  /** The kubelet reports the node NotReady because of it: waited for, as that report takes seconds. */
  readonly unready?: true;
  /** `remedy`: the commands of the finding, exactly as printed. Otherwise a script at the same place. */
  readonly repair: 'remedy' | string;
  /** Finally undoes what the remedy does not. */
  readonly cleanup?: string;
  /** Of a whole node, and other nodes are compared with it, or see it: no other is injected meanwhile. */
  readonly alone?: true;
  /** Default: every platform. */
  readonly when?: (platform: Platform) => boolean;
};

/** Replaces variables. Longer names first, so that $OTHER_IP is not read as $OTHER followed by _IP. */
export function fill(text: string, variables: Variables): string {
  return Object.keys(variables)
    .sort((a, b) => b.length - a.length)
    .reduce((filled, name) => filled.replaceAll(`$${name}`, variables[name] ?? ''), text);
}

/** For a script with kubectl: another one, in the injector on the victim's node, which sees the node's processes and network. `argument` is its $1. */
export function inInjector(argument: string, script: string): string {
  return `injector=$(kubectl get pods -n "$POD_NAMESPACE" -l app=injector --field-selector "spec.nodeName=$NODE" -o name)
kubectl exec -i -n "$POD_NAMESPACE" "$injector" -- sh -es "${argument}" <<'E2E'
${script}
E2E`;
}

export const isBridge = (platform: Platform): boolean => ['bridge', 'flannel'].includes(platform.plugin);
export const hasHostLocal = (platform: Platform): boolean =>
  platform.ipam === 'host-local' || platform.plugin === 'flannel';
/** The pod reaches its gateway by an address that belongs to nothing. */
export const hasSubnet = (platform: Platform): boolean =>
  ['bridge', 'ptp', 'flannel'].includes(platform.plugin);
export const isAws = ({ plugin }: Platform): boolean => plugin === 'aws-cni';
export const isCalico = ({ plugin }: Platform): boolean => plugin === 'calico';
export const isCilium = ({ plugin }: Platform): boolean => plugin === 'cilium-cni';
/** The node's routes, rules and packet filters decide about pods' packets: Cilium's BPF programs go past them. */
export const isForwardedByKernel = (platform: Platform): boolean => !isCilium(platform);
/** Calico's agent puts its own rules before any others, and accepts with marks what policies allow. */
export const isFilteredByIptables = (platform: Platform): boolean =>
  isForwardedByKernel(platform) && !isCalico(platform);
