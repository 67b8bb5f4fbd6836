/** All faults, in the batches that are injected and audited together. */
import { cniFaults, endpointFaults, ipamFaults } from './cni.ts';
import { connectivityFaults, crossFaults } from './connectivity.ts';
import type { Fault } from './fault.ts';
import { namespaceFaults } from './namespaces.ts';
import { nodeFaults } from './node.ts';
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

export const batches: readonly Batch[] = [
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
  ...[...cniFaults, ...nodeFaults].map((fault) => ({
    name: `of a whole node: ${fault.id}`,
    faults: [fault],
  })),
];
