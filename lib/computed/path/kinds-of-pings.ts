/**
 * What pings between pods of two nodes are, or need, as kinds of the node's traffic in words: a finding of what drops one
 * names it so, and other checks read from that whether it explains their silence.
 */
export const OF_PINGS = {
  sent: 'what pods send',
  toOthers: 'what pods send to pods of other nodes',
  fromOthers: 'what pods of other nodes send to pods of this one',
  arpOfPods: 'ARP packets of pods',
  arpOfNode: 'ARP packets of the node for its pods',
} as const;
