/**
 * Whether arp_ignore keeps the kernel from answering for an address of the link on which the question came in
 * (arp_ignore() in net/ipv4/arp.c): 8 answers nobody, 2 only those in the subnet of the address. 3 is about
 * addresses of scope host, and all others answer.
 */
export function leavesUnanswered(
  arpIgnore: number,
  { sameSubnet }: { readonly sameSubnet: boolean },
): boolean {
  return arpIgnore === 8 || (arpIgnore === 2 && !sameSubnet);
}
