/** Findings that explain why pods of two nodes do not hear each other. They come before it in the catalogue. */
import { OF_PINGS } from '../computed/path/kinds-of-pings.ts';

/** On a node: its pods do not reach those of others. */
export const BROKEN_WAYS: readonly string[] = [
  'node-tunnel-broken',
  'tunnel-entry-wrong',
  'tunnel-settings-differ',
  'tunnel-port-blocked',
  'route-to-node-missing',
  'pods-of-node-unreachable',
  'neighbour-of-node-wrong',
  'node-default-route-missing',
  'node-forwarding-disabled',
  'node-firewall-drops',
  'node-link-program-unexpected',
  'node-link-program-missing',
  'foreign-routing-rules',
  'node-bridge-broken',
  'bridge-address-stale',
  'bridge-filter-disabled',
  'firewall-backends-mixed',
  'aws-eni-table-incomplete',
];

/**
 * What node-firewall-drops says of pings between pods of two nodes, or of ARP without which there are none. Packets of
 * other kinds may be lost while pings pass.
 */
const DROPS_PINGS = new RegExp(` drops (?:${Object.values(OF_PINGS).join('|')}): `);

/** Whether a finding of a node explains that its pods and those of others do not hear each other. */
export function explainsSilence({
  check,
  detail,
}: {
  readonly check: string;
  readonly detail: string;
}): boolean {
  return BROKEN_WAYS.includes(check) && (check !== 'node-firewall-drops' || DROPS_PINGS.test(detail));
}

/** Of a pod: it does not answer. Look-ups, pings and counters are symptoms themselves. */
export const BROKEN_PODS: readonly string[] = [
  'pod-interface-missing',
  'pod-interface-down',
  'pod-loopback-down',
  'pod-mtu-mismatch',
  'pod-address-missing',
  'pod-address-mismatch',
  'pod-address-duplicate',
  'pod-address-wrong-subnet',
  'pod-address-foreign',
  'pod-mac-duplicate',
  'pod-default-route-missing',
  'pod-gateway-route-missing',
  'pod-gateway-neighbour-wrong',
  'pod-ttl-too-small',
  'pod-route-blackhole',
  'pod-routing-incomplete',
  'pod-unrouted-inbound',
  'pod-unrouted-outbound',
  'pod-firewall-blocks-all',
  'pod-ipsec-blocks',
  'pod-firewall-unexpected',
  'pod-in-host-network',
  'pods-share-network',
  'pod-network-split',
  'veth-peer-missing',
  'veth-peer-mismatch',
  'veth-host-side-down',
  'veth-bridge-detached',
  'host-route-missing',
  'host-route-misdirected',
  'node-neighbour-wrong',
  'node-firewall-drops-pod',
  'node-ipsec-drops-pod',
  'bridge-entry-wrong',
  'bridge-port-flags-wrong',
  'link-arp-ignored',
  'link-program-unexpected',
  'aws-rule-missing',
  'aws-vlan-missing',
];
