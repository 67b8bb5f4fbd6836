import { defineCheck } from '../define.ts';
import { judgeUnrouted } from '../frames/unrouted.ts';

/** Uses the pod's link as input, so rules by source or link, forwarding and reverse path filtering apply too. */
export const podUnroutedOutbound = defineCheck({
  id: 'pod-unrouted-outbound',
  topic: 'path',
  severity: 'critical',
  title: "The node's kernel routes what the pod sends",
  failureTitle: "Node does not route the pod's packets",
  why:
    'The pod hands its packets to the node as it should, and the node drops them or sends them ' +
    'elsewhere: no other node, no Service, no DNS. Nothing inside the pod shows it.',
  needs: ['podNetworks', 'hostNetwork', 'routing', 'kernel', 'hostPacketFilters'],
  run: (sources, context) => judgeUnrouted('outbound', sources, context),
});
