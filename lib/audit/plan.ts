/** Which nodes of a cluster are probed, and why the others are not. Pure. */

import { OF_CALICO, OF_FLANNEL } from '../model/cni-names.ts';
import type { NextNode } from '../model/crossing.ts';
import { AuditError } from '../model/errors.ts';
import type { Node, OtherNode } from '../model/kubernetes.ts';
import type { NodeCoverage } from '../model/report.ts';
import { quote } from '../model/text.ts';

export type NodeSelection = {
  /** Names; empty means all. */
  readonly names: readonly string[];
  /** Labels that a node must have, as `key=value` or `key`; empty means all. */
  readonly labels: readonly string[];
};

/** A node of the run; `coverage` says why it is not probed, null that it is. */
export type PlannedNode = {
  readonly node: Node;
  readonly coverage: NodeCoverage | null;
  /** Whose pods its pods ping; null if there is none, and left out if nobody asked. */
  readonly next?: NextNode | null | undefined;
};

/**
 * A cluster without nodes, as when an autoscaler removed them all, has none to probe and is fine.
 *
 * @throws AuditError USAGE when a named node does not exist, or none has the labels
 */
export function planNodes(nodes: readonly Node[], selection: NodeSelection): PlannedNode[] {
  const known = new Set(nodes.map((node) => node.name));
  const missing = selection.names.filter((name) => !known.has(name));
  if (missing.length > 0) {
    throw new AuditError('USAGE', `no such node: ${missing.join(', ')}`, {
      remedy: `The cluster has ${nodes.length} nodes: ${nodes
        .slice(0, 10)
        .map((node) => node.name)
        .join(', ')}${nodes.length > 10 ? ', …' : ''}.`,
    });
  }
  const chosen = nodes.filter(
    (node) =>
      (selection.names.length === 0 || selection.names.includes(node.name)) &&
      selection.labels.every((label) => matches(node, label)),
  );
  if (chosen.length === 0 && selection.labels.length > 0) {
    throw new AuditError('USAGE', 'no node has the labels that were asked for', {
      remedy: 'List the nodes with their labels: kubectl get nodes --show-labels',
    });
  }
  return chosen.map((node) => ({ node, coverage: whyNot(node) }));
}

function matches(node: Node, label: string): boolean {
  const [key = '', value] = label.split('=', 2);
  return value === undefined ? key in node.labels : node.labels[key] === value;
}

/**
 * Null for a node that is probed. A NotReady one is, as long as its kubelet reports: a broken CNI makes nodes
 * NotReady.
 */
function whyNot(node: Node): NodeCoverage | null {
  if (node.labels['eks.amazonaws.com/compute-type'] === 'fargate')
    return skipped(node, 'Fargate: its nodes admit no privileged pods');
  if (node.os === 'windows')
    return skipped(node, 'operating system windows: it has no Linux network namespaces');
  if (node.labels.type === 'virtual-kubelet' || node.labels['kubernetes.io/role'] === 'agent-virtual') {
    return skipped(node, 'virtual node: there is no kernel to look at');
  }
  // Without a name no kubelet has ever reported, as handled below: it may be Linux.
  if (node.os !== 'linux' && node.os !== '')
    return {
      node: node.name,
      result: 'failed',
      reason: `its kubelet names an operating system that is not known, ${quote(node.os, 50)}`,
      remedy: `Kubernetes has linux and windows: kubectl get node ${node.name} -o jsonpath='{.status.nodeInfo}'`,
    };
  if (!node.kubeletReports) {
    return {
      node: node.name,
      result: 'failed',
      reason: `the kubelet does not report${node.notReadyMessage === null ? '' : `: ${node.notReadyMessage}`}`,
      remedy: `Look at the node's kubelet (systemctl status kubelet) and at: kubectl describe node ${node.name}`,
    };
  }
  return null;
}

function skipped(node: Node, reason: string): NodeCoverage {
  return { node: node.name, result: 'skipped', reason, remedy: null };
}

/**
 * The nodes to compare each node with: those with a tunnel, in a large cluster only some, and a few of the others, by
 * which a node's routes to pods of other nodes are known.
 */
export function otherNodes(nodes: readonly Node[]): OtherNode[] {
  const without = nodes.filter((node) => !hasTunnel(node));
  return [...nodes.filter(hasTunnel).slice(0, WITH_TUNNEL), ...without.slice(0, WITHOUT)].map(asOther);
}

/** Every node's evidence has them: more would make a run's data grow with the square of its nodes. */
const WITH_TUNNEL = 100;
const WITHOUT = 10;

/** Annotations of flannel and Calico that show what other nodes must know of this one. */
function hasTunnel({ annotations }: Node): boolean {
  return annotations[OF_FLANNEL.backend] !== undefined || annotations[OF_CALICO.tunnelAddress] !== undefined;
}

const asOther = ({ name, createdAt, ready, annotations, addresses, podCIDRs }: Node): OtherNode => ({
  name,
  createdAt,
  ready,
  annotations,
  addresses,
  podCIDRs,
});
