/** What a random node contains. */
import fc from 'fast-check';
import { nodeLayouts } from './node-layouts.ts';

const kinds = [
  'plain',
  'plain',
  'plain',
  'mesh',
  'vpn',
  'multus',
  'kubevirt',
  'gvisor',
  'kata',
  'crashing',
  'sidecars',
  'static',
] as const;
const ends = ['hostNetwork', 'completed', 'pending', 'terminating', 'young'] as const;

export type OtherPod = (typeof ends)[number];

export type NodePlan = {
  readonly layout: string;
  readonly families: number;
  readonly runtime: 'containerd' | 'cri-o' | 'docker';
  readonly reversed: boolean;
  readonly rebooted: boolean;
  readonly neighbours: readonly ('podman' | 'nerdctl' | 'docker' | 'service' | 'vpn' | 'cilium-health')[];
  readonly pods: readonly {
    readonly kind: (typeof kinds)[number];
    readonly hours: number;
    readonly restarts: number;
    readonly controller: 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Job' | null;
    readonly dnsPolicy: 'ClusterFirst' | 'Default';
  }[];
  readonly others: readonly OtherPod[];
};

export const aNodePlan: fc.Arbitrary<NodePlan> = fc.record({
  layout: fc.constantFrom(...Object.keys(nodeLayouts)),
  families: fc.nat(3),
  runtime: fc.constantFrom('containerd', 'cri-o', 'docker'),
  reversed: fc.boolean(),
  rebooted: fc.boolean(),
  neighbours: fc.uniqueArray(
    fc.constantFrom('podman', 'nerdctl', 'docker', 'service', 'vpn', 'cilium-health'),
  ),
  pods: fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      hours: fc.integer({ min: 1, max: 2000 }),
      restarts: fc.nat(500),
      controller: fc.constantFrom('ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', null),
      dnsPolicy: fc.constantFrom('ClusterFirst', 'Default'),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  others: fc.uniqueArray(fc.constantFrom(...ends)),
});
