/** The tables of kube-proxy in its mode nftables, as nft lists them. */

import type { PacketFilter } from '../../../lib/model/network.ts';
import { parseNftables } from '../../../lib/probe/parse/packet-filters.ts';

type Changes = {
  /** Of the cluster's DNS, 10.96.0.10. */
  readonly endpoints?: readonly string[];
  /** Which endpoint a connection goes to; by default a chain for each. */
  readonly balance?: string;
  readonly services?: readonly string[];
  readonly natPrerouting?: string;
  readonly chainOfServices?: string;
  readonly masquerade?: string;
};

const DNS = 'service-FY5PMXPG-kube-system/kube-dns/udp/dns';
export const dnsElement = `10.96.0.10 . udp . 53 comment "kube-system/kube-dns:dns" : goto ${DNS}`;
export const apiElement =
  '10.96.0.1 . tcp . 443 comment "default/kubernetes:https" : goto service-2QRHZV4L-default/kubernetes/tcp/https';

const chainOf = (address: string, at: number): string =>
  `endpoint-ABCDEF${at}-kube-system/kube-dns/udp/dns__${address}/53`;

export function serviceMaps({
  endpoints = ['10.244.1.2', '10.244.2.2'],
  balance = `numgen random mod 2 vmap { ${endpoints.map((address, at) => `${at} : goto ${chainOf(address, at)}`).join(', ')} }`,
  services = [dnsElement, apiElement],
  natPrerouting = 'jump services',
  chainOfServices = 'ip daddr . meta l4proto . th dport vmap @service-ips',
  masquerade = 'jump masquerading',
}: Changes = {}): PacketFilter {
  const elements = services.length === 0 ? '' : `\t\telements = { ${services.join(',\n\t\t\t     ')} }\n`;
  const [filter] = parseNftables(`table ip kube-proxy {
	comment "rules for kube-proxy"
	set cluster-ips {
		type ipv4_addr
		elements = { 10.96.0.1, 10.96.0.10 }
	}

	map no-endpoint-services {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.3.4 . tcp . 80 comment "a/b:c" : goto reject-chain }
	}

	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
${elements}	}

	chain ${DNS} {
		ip daddr 10.96.0.10 udp dport 53 ip saddr != 10.244.0.0/16 jump mark-for-masquerade
		${balance}
	}

${endpoints
  .map(
    (address, at) => `	chain ${chainOf(address, at)} {
		ip saddr ${address} jump mark-for-masquerade
		meta l4proto udp dnat to ${address}:53
	}
`,
  )
  .join('\n')}
	chain services {
		${chainOfServices}
		ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports
	}

	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		${natPrerouting}
	}

	chain nat-output {
		type nat hook output priority -100; policy accept;
		jump services
	}

	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		${masquerade}
	}
}
`);
  if (filter === undefined) throw new Error('no table was read');
  return filter;
}
