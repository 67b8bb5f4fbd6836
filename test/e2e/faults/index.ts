/** All faults, and the batches that are injected and audited together. */
import { betweenNodesFaults } from './between-nodes.ts';
import { cniFaults, endpointFaults, ipamFaults } from './cni.ts';
import { connectivityFaults, crossFaults } from './connectivity.ts';
import type { Fault } from './fault.ts';
import { namespaceFaults } from './namespaces.ts';
import { nodeFaults } from './node.ts';
import { bridgeFaults } from './node-bridge.ts';
import { ciliumFaults } from './node-cilium.ts';
import { firewallFaults } from './node-firewall.ts';
import { nodeRouteFaults } from './node-routes.ts';
import { serviceFaults } from './node-services.ts';
import { pairs } from './pairs.ts';
import { podContentFaults } from './pod-content.ts';
import { podNetworkFaults } from './pod-network.ts';
import { runtimeFaults } from './runtime.ts';
import { sharedNetworkFaults } from './shared-network.ts';

export type Batch = {
  readonly name: string;
  readonly faults: readonly Fault[];
  /** Command-line options for their audit. */
  readonly args?: readonly string[];
};

const batches: readonly Batch[] = [
  { name: 'in the network of pods', faults: podNetworkFaults },
  { name: 'inside pods', faults: podContentFaults },
  { name: 'of namespaces and their pins', faults: namespaceFaults },
  { name: 'of addresses on file', faults: ipamFaults },
  { name: 'of what the CNI agent has on file', faults: endpointFaults },
  { name: 'of what the runtime has on file', faults: runtimeFaults },
  { name: 'that only packets show', faults: connectivityFaults, args: ['--active', 'ping,dns'] },
  { name: 'between pods of two nodes', faults: crossFaults, args: ['--active', 'cross'] },
  { name: 'two at a time on one pod', faults: pairs },
  { name: 'two pods in one network', faults: sharedNetworkFaults },
];

const ofWholeNodes: readonly Fault[] = [
  ...cniFaults,
  ...nodeFaults,
  ...nodeRouteFaults,
  ...bridgeFaults,
  ...firewallFaults,
  ...serviceFaults,
  ...betweenNodesFaults,
  ...ciliumFaults,
];

export const allFaults: readonly Fault[] = [...batches.flatMap(({ faults }) => faults), ...ofWholeNodes];

/**
 * The batches of a platform. What a node does to one of its pods is injected together, each to a pod of its own. Faults of
 * a whole node, of which most cannot share it, are injected two at a time, one on each of two nodes.
 */
export function batchesOf(isPossible: (fault: Fault) => boolean, nodes: number): readonly Batch[] {
  const possible = ofWholeNodes.filter(isPossible);
  const alone = possible.filter((fault) => fault.alone);
  const together = possible.filter((fault) => !fault.alone && isOfNode(fault));
  const size = Math.min(nodes, 2);
  const sets = Array.from({ length: Math.ceil(together.length / size) }, (_, at) =>
    together.slice(at * size, (at + 1) * size),
  );
  return [
    ...batches.map((batch) => ({ ...batch, faults: batch.faults.filter(isPossible) })),
    {
      name: 'of a node, each for one of its pods',
      faults: possible.filter((fault) => !fault.alone && !isOfNode(fault)),
    },
    ...[...sets, ...alone.map((fault) => [fault])].map((faults) => ({
      name: `of a whole node: ${faults.map(({ id }) => id).join(', ')}`,
      faults,
    })),
  ].filter(({ faults }) => faults.length > 0);
}

/** Without an object of its own, a fault is found in its pod. */
function isOfNode({ object }: Fault): boolean {
  return object !== undefined;
}
