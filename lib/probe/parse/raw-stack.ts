/** What both readers of a namespace give: the kernel's own answers (netlink.ts), and the output of `ip` (ip.ts). */
import type { Address, Link, LinkProgram, Neighbour, Route, Rule } from '../../model/network.ts';

/** A link whose peer is not looked up yet, with the peer's place according to the kernel. */
export type RawLink = Omit<Link, 'peer'> & {
  readonly peerIndex: number | null;
  /** Name of the peer in the same namespace; iproute2 prints it instead of the index. */
  readonly peerName: string | null;
  /** This namespace's id for the peer's namespace; `same` for itself, null if it has none. */
  readonly peerNamespaceId: number | 'same' | null;
};

/** The content of one namespace, from the kernel or from `ip`. */
export type RawStack = {
  readonly links: readonly RawLink[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly neighbours: readonly Neighbour[];
  /** Other namespaces for which it has an id; `name` for those with a file in the probe's directory. */
  readonly ids: readonly { readonly id: number; readonly name: string | null }[];
  /** Queues and filters of its links; none if the kernel was not asked itself. */
  readonly programs?: readonly LinkProgram[];
};
