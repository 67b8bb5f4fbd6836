/** Nodes in a ring whose pods ping each other, made by hand. */
import type { CrossPing, CrossPod, NodeCrossing, PlannedCross } from '../../../lib/model/crossing.ts';
import type { PodAddress } from '../../../lib/model/node-result.ts';
import { aNodeOf } from '../node-routes.ts';

export const nodeAddress = (number: number): string => `10.0.3.${number}`;
export const podAddress = (number: number): string => `10.244.${number}.5`;

/** By which a node answers what came through a tunnel. */
export const tunnelAddress = (number: number): string => `10.244.${number}.0`;

export const aCrossPod = (number: number, changes: Partial<CrossPod> = {}): CrossPod => ({
  namespace: 'shop',
  name: `web-${number}`,
  uid: `uid-${number}`,
  address: podAddress(number),
  restricted: null,
  ...changes,
});

export const aPing = (target: string, changes: Partial<CrossPing> = {}): CrossPing => ({
  target,
  answered: true,
  hops: [],
  refused: null,
  ...changes,
});

/** How the pod of a node gets no answer: from the node of its pod, and from no other. */
export const lostAfter = (own: number): Partial<CrossPing> => ({
  answered: false,
  hops: [`10.0.3.${own}`, '', ''],
});

/** What one node of a ring of `nodes` says; `ping` changes what its pod heard from the next pod. */
export function aCrossing(
  number: number,
  nodes: number,
  {
    ping = {},
    source = {},
    target = {},
    fromNode = {},
    own = podAddress(number),
  }: {
    readonly ping?: Partial<CrossPing>;
    readonly source?: Partial<CrossPod>;
    readonly target?: Partial<PlannedCross['targets'][number]>;
    /** Of the node's own pings, by address. */
    readonly fromNode?: Readonly<Record<string, boolean>>;
    /** The address of its own pod that the node pings. */
    readonly own?: string;
  } = {},
): NodeCrossing {
  const next = (number % nodes) + 1;
  return {
    node: `node-${number}`,
    addresses: [nodeAddress(number), tunnelAddress(number)],
    plan: {
      status: 'planned',
      next: { name: `node-${next}`, address: nodeAddress(next) },
      sources: [aCrossPod(number, source)],
      targets: [{ ...aCrossPod(next), stayed: true, ...target }],
    },
    unread: null,
    fromNode: [nodeAddress(next), podAddress(next), own].map((address) =>
      aPing(address, { answered: fromNode[address] ?? true }),
    ),
    fromPods: [{ uid: `uid-${number}`, pings: [aPing(nodeAddress(next)), aPing(podAddress(next), ping)] }],
    waysOut: [],
  };
}

/** A ring in which the pods of these nodes hear nothing from those of the next, by node. */
export function ringOf(
  nodes: number,
  changes: Readonly<Record<number, Parameters<typeof aCrossing>[2]>> = {},
) {
  const numbers = Array.from({ length: nodes }, (_, index) => index + 1);
  return {
    crossings: numbers.map((number) => aCrossing(number, nodes, changes[number])),
    nodeRoutes: numbers.map((number) => aNodeOf(number, [], { addresses: [nodeAddress(number)] })),
    podAddresses: numbers.map(
      (number): PodAddress => ({
        address: podAddress(number),
        node: `node-${number}`,
        pod: { namespace: 'shop', name: `web-${number}`, uid: `uid-${number}` },
        namespace: 4_026_532_000 + number,
        network: 'pods',
        inPodStatus: true,
        createdAt: '2026-11-20T00:00:00Z',
        podCreatedAt: '2026-11-20T00:00:00Z',
      }),
    ),
  };
}
