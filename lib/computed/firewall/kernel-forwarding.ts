/** What Cilium's programs leave to the node's kernel. */
import { MASQUERADE_CHAINS } from '../../model/cni-names.ts';
import { CILIUM_CNI } from '../../model/cni-plugins.ts';
import type { PacketFilter } from '../../model/network.ts';
import { rulesOfNat } from './nat-chain.ts';

/** Where no program masquerades, the kernel does, and forwards what pods exchange with Services and the outside. */
export function forwardsForCilium(filters: readonly PacketFilter[]): boolean {
  const own = MASQUERADE_CHAINS.find(({ plugin }) => plugin === CILIUM_CNI)?.chain ?? '';
  return filters.some((filter) => (rulesOfNat(filter, own) ?? []).some(isMasquerading));
}

/** In the words of iptables or of nft; comments of other rules there have the word too. */
const isMasquerading = (rule: string): boolean =>
  /\bmasquerade\b/i.test(rule.replace(/"[^"]*"|\/\*.*?\*\//g, ''));
