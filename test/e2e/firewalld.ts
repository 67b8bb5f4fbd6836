/** Rules of firewalld, as `nft list ruleset` prints them. */

/** Where all packets of a hook begin: what no zone accepts is refused at the end. */
export const baseChain = (name: 'INPUT' | 'FORWARD'): string => `chain filter_${name} {
    type filter hook ${name.toLowerCase()} priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_${name}_ZONES
    reject with icmpx admin-prohibited
  }`;
