/** `--active cross`: which pods ping which. Pure. */

import { isIP } from 'node:net';
import { mayChangeNetwork } from '../computed/preconditions.ts';
import { byText } from '../model/by-text.ts';
import { BRANCH_ENI } from '../model/cni-names.ts';
import {
  CANDIDATES_OF_A_NODE,
  type CrossPlan,
  type CrossPod,
  type NetworkPolicies,
  type NextNode,
  TARGETS_OF_A_NODE,
} from '../model/crossing.ts';
import type { Pod } from '../model/kubernetes.ts';
import { isOwnPod } from '../model/own-pods.ts';
import type { PlannedNode } from './plan.ts';

/** Each node that is probed gets the next one: so that every node sends and answers, with two ways per node at most. */
export function inRing(planned: readonly PlannedNode[]): PlannedNode[] {
  const ring = planned
    .flatMap(({ node, coverage }) => (coverage === null ? [node] : []))
    .toSorted((a, b) => byText(a.name, b.name));
  const next = new Map<string, NextNode>();
  for (const [index, { name }] of ring.entries()) {
    const after = ring[(index + 1) % ring.length];
    if (after !== undefined && after.name !== name)
      next.set(name, { name: after.name, addresses: after.addresses });
  }
  return planned.map((each) => ({ ...each, next: next.get(each.node.name) ?? null }));
}

type Choice = {
  readonly policies: NetworkPolicies;
  /** Pods younger than this are not judged. */
  readonly settleSeconds: number;
  readonly now: number;
};

/** @param pods - of the node, and of the next one */
export function crossPlan(
  pods: { readonly own: readonly Pod[]; readonly next: readonly Pod[] },
  next: NextNode | null,
  choice: Choice,
): CrossPlan {
  if (next === null) return none('not tried: the run has one node only', true);
  const targets = crossPods(pods.next, choice);
  const own = crossPods(pods.own, choice);
  // Without a target, the node still pings its own pods: the node before it pings them too.
  const family = isIP(targets[0]?.address ?? own[0]?.address ?? '');
  const sources = own.filter(({ address }) => isIP(address) === family);
  if (sources.length === 0)
    return none('not tried: the node has no pod to ping from that runs and is settled', true);
  const address = next.addresses
    .map((each) => each.toLowerCase())
    .find((each) => isIP(each) === family && isUsual(each));
  if (address === undefined) return none(`not tried: ${next.name} has no address of the family of its pods`);
  return {
    status: 'planned',
    next: { name: next.name, address },
    sources,
    targets: targets
      .filter((each) => isIP(each.address) === family)
      .slice(0, TARGETS_OF_A_NODE)
      .map((target) => ({ ...target, stayed: true })),
  };
}

const none = (reason: string, alone = false): CrossPlan => ({ status: 'none', reason, alone });

/** The plan with what became of its targets while the probe ran. */
export function afterwards(plan: CrossPlan, pods: readonly Pod[]): CrossPlan {
  if (plan.status === 'none') return plan;
  const stayed = new Set(pods.filter(isUp).map(({ uid, podIPs }) => `${uid} ${podIPs[0]}`));
  return {
    ...plan,
    targets: plan.targets.map((target) => ({
      ...target,
      stayed: stayed.has(`${target.uid} ${target.address}`),
    })),
  };
}

/**
 * Those that no policy restricts first; of these the two oldest, then by random: which pods are on which network interface
 * may go by their age. Both ends choose alike.
 */
function crossPods(pods: readonly Pod[], { policies, settleSeconds, now }: Choice): CrossPod[] {
  const byAge = pods
    .filter(
      (pod) =>
        isUp(pod) &&
        !isOwnPod(pod) &&
        isUsual(pod.podIPs[0] ?? '') &&
        now - Date.parse(pod.startedAt ?? pod.createdAt) >= settleSeconds * 1000,
    )
    .map((pod) => ({ pod, restricted: restriction(pod, policies) }))
    .toSorted(
      (a, b) =>
        Number(a.restricted !== null) - Number(b.restricted !== null) ||
        byText(a.pod.createdAt, b.pod.createdAt) ||
        byText(a.pod.uid, b.pod.uid),
    );
  const oldest = byAge.slice(0, 2);
  // Kubernetes makes uids at random.
  const others = byAge
    .slice(2)
    .toSorted(
      (a, b) => Number(a.restricted !== null) - Number(b.restricted !== null) || byText(a.pod.uid, b.pod.uid),
    );
  return [...oldest, ...others]
    .slice(0, CANDIDATES_OF_A_NODE)
    .map(({ pod: { namespace, name, uid, podIPs }, restricted }) => ({
      namespace,
      name,
      uid,
      address: (podIPs[0] ?? '').toLowerCase(),
      restricted,
    }));
}

function isUp({ phase, ready, hostNetwork, deletionTimestamp }: Pod): boolean {
  return phase === 'Running' && ready && !hostNetwork && deletionTimestamp === null;
}

/** A kubelet writes the address of its node and of its pods: others' pings go to one machine, and are admitted. */
function isUsual(address: string): boolean {
  if (isIP(address) === 4)
    return !/^(?:0|127|22[4-9]|2[3-5]\d)\./.test(address) && !/^169\.254\./.test(address);
  return isIP(address) === 6 && /^[23f][0-9a-f:]+$/i.test(address) && !/^f(?:f|e[89ab])/i.test(address);
}

function restriction(
  { namespace, annotations, containers }: Pod,
  { namespaces, everywhere, unread }: NetworkPolicies,
): string | null {
  // A VPN client answers its node, and sends all else by its tunnel.
  if (containers.some(mayChangeNetwork)) return "a container may change the pod's network";
  if (annotations[BRANCH_ENI.annotation] !== undefined) return 'it has security groups of its own';
  if (namespaces.includes(namespace)) return `there are network policies in ${namespace}`;
  if (everywhere.length > 0) return `there are policies for the whole cluster: ${everywhere.join(', ')}`;
  return unread === null ? null : `network policies are unknown: ${unread}`;
}
