/** What the tool itself may do to a cluster: one act for each pod, or for all objects of a kind on a node. */
import type { Finding } from '../model/finding.ts';
import type { LeakedAllocation } from '../model/leaked-allocation.ts';
import type { Orphan } from '../model/repair.ts';
import type { RepairRecord } from '../model/repair-record.ts';
import type { BareManifest } from './bare-pod.ts';
import type { NodeObject } from './node-object.ts';

export type Planned = {
  readonly node: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  /** Why it must not be tried; null if it may. */
  readonly refused: string | null;
};

/** Recreates one pod, for all findings that this repairs. */
export type PodAct = Planned & {
  readonly kind: 'recreate-pod';
  readonly pod: { readonly namespace: string; readonly name: string };
  /** Only creates it, as an earlier repair left it evicted. */
  readonly recorded?: RecordedBare;
};

/** A pod without a controller that is gone, and the record of its repair, which has no end. */
export type RecordedBare = {
  /** Of the record in the store. */
  readonly key: string;
  /** The same for people. */
  readonly place: string;
  readonly record: Extract<RepairRecord, { act: 'recreate-pod' }>;
  /** Of this pod. */
  readonly manifest: BareManifest;
};

/** Deletes unused namespaces on one node: one finding each, in the same order if it may be tried. */
export type NamespacesAct = Planned & {
  readonly kind: 'delete-namespaces';
  readonly orphans: readonly Orphan[];
};

/**
 * Puts back what pods lost, or takes it back, deletes pairs that lead into no pod, address records without a
 * container, or pins that are plain files, or raises limits of the kernel, on one node.
 */
export type ObjectsAct = Planned & {
  readonly kind:
    | 'restore'
    | 'take-back'
    | 'delete-veths'
    | 'delete-routes'
    | 'release-addresses'
    | 'delete-pins'
    | 'raise-limits';
  readonly objects: readonly NodeObject[];
};

/** Frees addresses in Calico's own records, through the API server; the node is the one that had them. */
export type AllocationsAct = Planned & {
  readonly kind: 'release-allocations';
  readonly allocations: readonly LeakedAllocation[];
};

/** Restarts the agent of a node's CNI plugin. */
export type AgentAct = Planned & {
  readonly kind: 'restart-agent';
  readonly agent: { readonly namespace: string; readonly selector: string };
};

/** Drains a node, reboots it, and lets pods on it again: never more than one in a plan. */
export type RebootAct = Planned & { readonly kind: 'reboot-node' };

/** Drains a node in place of a reboot, so that a person can replace its machine. */
export type DrainAct = Planned & { readonly kind: 'drain-node' };

/** Acts of a pod on the node. */
export type NodeAct = NamespacesAct | ObjectsAct;

/** Whether a pod on the node makes the act, of many objects. */
function isOnNode(act: Act): act is NodeAct {
  return !['recreate-pod', 'restart-agent', 'reboot-node', 'drain-node', 'release-allocations'].includes(
    act.kind,
  );
}

function isOfMany(act: Act): act is NodeAct | AllocationsAct {
  return isOnNode(act) || act.kind === 'release-allocations';
}

/** Whether the act needs a pod that repairs the node; the others are made through the API alone. */
export function needsRepairPod(act: Act): boolean {
  return isOnNode(act) || act.kind === 'reboot-node';
}

/** Whether `--undo` takes back what the act changed. */
export function isTakenBack({ kind }: Act): boolean {
  return kind === 'restore' || kind === 'raise-limits';
}

/** All acts of the tool. lib/audit has the checks before and after each kind. */
export type Act = PodAct | AgentAct | RebootAct | DrainAct | NodeAct | AllocationsAct;

/** How many objects an act changes. */
export function objectCount(act: Act): number {
  if (!isOfMany(act)) return 1;
  if (act.kind === 'release-allocations') return act.allocations.length;
  return act.kind === 'delete-namespaces' ? act.orphans.length : act.objects.length;
}

/**
 * The acts to try, up to a total number of objects.
 *
 * @param mostOf - objects per act on a node, by its kind: more make another act
 */
export function actsWithin(
  acts: readonly Act[],
  limit: number,
  mostOf: (kind: NodeAct['kind']) => number,
): Act[] {
  const chosen: Act[] = [];
  let left = limit;
  for (const act of acts.filter(({ refused }) => refused === null)) {
    if (!isOfMany(act)) {
      if (left > 0) chosen.push(act);
      left -= 1;
      continue;
    }
    const most = act.kind === 'release-allocations' ? left : mostOf(act.kind);
    for (let from = 0; from < objectCount(act) && left > 0; from += most) {
      const part = partOf(act, from, Math.min(from + most, from + left));
      chosen.push(part);
      left -= objectCount(part);
    }
  }
  return chosen;
}

function partOf(act: NodeAct | AllocationsAct, from: number, to: number): NodeAct | AllocationsAct {
  if (act.kind === 'release-allocations') return { ...act, allocations: act.allocations.slice(from, to) };
  // A finding may list many records, so that all of them stay.
  if (act.kind !== 'delete-namespaces') return { ...act, objects: act.objects.slice(from, to) };
  return { ...act, orphans: act.orphans.slice(from, to), findings: act.findings.slice(from, to) };
}
