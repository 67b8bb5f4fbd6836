import { defineCheck } from '../define.ts';
import { judgeUnrouted } from '../frames/unrouted.ts';

/** Uses RTM_GETROUTE, so policy routing rules, other tables and routes that drop apply as they do to packets. */
export const podUnroutedInbound = defineCheck({
  id: 'pod-unrouted-inbound',
  topic: 'path',
  severity: 'critical',
  title: "The node's kernel routes packets for the pod to the pod",
  failureTitle: 'Node does not route packets to the pod',
  why:
    'Whatever the node, its kubelet, other pods or other nodes send to the pod, answers included, is ' +
    "dropped or leaves by another link. The pod's own links, addresses and routes look right.",
  needs: ['podNetworks', 'hostNetwork', 'routing', 'kernel', 'hostPacketFilters'],
  run: (sources, context) => judgeUnrouted('inbound', sources, context),
});
