/** A fault as data: how it is made, under which check it must be found, and how it goes away again. */
import type { Platform, Variables } from '../cluster.ts';

export type Fault = {
  /** Names the victim's Deployment too. */
  readonly id: string;
  /** Check that must find it. */
  readonly check: string;
  /** The finding's object: `$NAME` stands for a variable. Left out: the (first) victim pod. */
  readonly object?: Readonly<Record<string, string>>;
  /** Number of victim pods; 0 for faults of a node. The second one's variables begin with OTHER_. Default 1. */
  readonly pods?: 0 | 1 | 2;
  readonly annotations?: Variables;
  /** Merged into the victims' pod spec. */
  readonly podSpec?: object;
  /** Merged into the victims' only container. */
  readonly container?: object;
  /** Where the script runs: on the node with its programs, with the injector's in the node's or the pod's network, or here, with kubectl and jq. */
  readonly where: 'node' | 'node-network' | 'pod-network' | 'cluster';
  /** Shell; lines `NAME=value` that it prints become variables. */
  readonly inject: string;
  /** Texts that the finding must contain somewhere: the values that prove it. `$NAME` stands for a variable. */
  readonly shows: readonly string[];
  /** Other findings that the same fault is known to make, told as independent ones. */
  readonly also?: readonly { readonly check: string; readonly object?: Readonly<Record<string, string>> }[];
  /** The kubelet comes to report the node NotReady for it: waited for, as that report is seconds late. */
  readonly unready?: true;
  /** `remedy`: what the finding says, as typed. Else a script at the same place. */
  readonly repair: 'remedy' | string;
  /** Undoes what the remedy does not, at the end. */
  readonly cleanup?: string;
  /** Left out: every platform. */
  readonly when?: (platform: Platform) => boolean;
};

/** Puts variables in. Longer names first, so that $OTHER_IP is not $OTHER followed by _IP. */
export function fill(text: string, variables: Variables): string {
  return Object.keys(variables)
    .sort((a, b) => b.length - a.length)
    .reduce((filled, name) => filled.replaceAll(`$${name}`, variables[name] ?? ''), text);
}

export const isBridge = (platform: Platform): boolean => ['bridge', 'flannel'].includes(platform.plugin);
export const hasHostLocal = (platform: Platform): boolean =>
  platform.ipam === 'host-local' || platform.plugin === 'flannel';
/** The pod reaches its gateway by an address that nobody owns. */
export const hasSubnet = (platform: Platform): boolean =>
  ['bridge', 'ptp', 'flannel'].includes(platform.plugin);
