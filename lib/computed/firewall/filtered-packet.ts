/** A packet as the node sees it between two links, or at one of its own ends. */
export type FilteredPacket = {
  /**
   * Through the node, or from or to itself; `bridged`: from port to port, and the kernel's IP does not see it;
   * `resolves`: ARP that the node receives, or sends if it has no input link.
   */
  readonly way: 'forwarded' | 'sent' | 'received' | 'bridged' | 'resolves';
  readonly family: 4 | 6;
  /** The first packet of a connection, or an answer to one. */
  readonly state: 'NEW' | 'ESTABLISHED';
  /** Null for any address or link of the node: what is for one of them is not certain. */
  readonly source: string | null;
  readonly destination: string | null;
  readonly inputLink: string | null;
  readonly outputLink: string | null;
  /** The links at which the node receives it: its port of a bridge as well. */
  readonly devices: readonly string[];
  /** The ports of a bridge by which it comes and goes; null where it does not. */
  readonly inputPort: string | null;
  readonly outputPort: string | null;
  /** Null for a packet of any protocol: what is for one of them is not certain. */
  readonly protocol: 'tcp' | 'udp' | null;
  /** Likewise. */
  readonly port: number | null;
};
