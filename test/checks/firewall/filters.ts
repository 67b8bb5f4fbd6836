/** Packet filters of a pod's namespace, as iptables-save and nft print them. */
import type { PodNetwork } from '../../../lib/model/evidence.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aPodNetwork, aStack } from '../evidence.ts';

type Chains = Readonly<Record<string, { hook?: string; policy?: string; rules: readonly string[] }>>;

export function aFilter(backend: PacketFilter['backend'], table: string, chains: Chains): PacketFilter {
  return {
    backend,
    tables: [
      {
        name: table,
        chains: Object.entries(chains).map(([name, { hook, policy, rules }]) => ({
          name,
          hook: hook ?? null,
          policy: policy ?? null,
          rules: [...rules],
        })),
      },
    ],
  };
}

/** `filter` with these rules in INPUT, from iptables. */
export function inputRules(...rules: string[]): PacketFilter {
  return aFilter('iptables-legacy', 'filter', { INPUT: { hook: 'input', policy: 'ACCEPT', rules } });
}

/** The same from nft. */
export function nftInputRules(...rules: string[]): PacketFilter {
  return aFilter('nftables', 'ip filter', { INPUT: { hook: 'input', policy: 'accept', rules } });
}

export function withFilters(packetFilters: PacketFilter[], changes: Partial<PodNetwork> = {}): PodNetwork {
  return aPodNetwork({ stack: aStack({ packetFilters }), ...changes });
}

export const istioSidecar = aFilter('nftables', 'ip nat', {
  PREROUTING: {
    hook: 'prerouting',
    policy: 'accept',
    rules: ['meta l4proto tcp counter jump ISTIO_INBOUND'],
  },
  OUTPUT: { hook: 'output', policy: 'accept', rules: ['counter jump ISTIO_OUTPUT'] },
  ISTIO_INBOUND: {
    rules: ['tcp dport 15008 counter return', 'meta l4proto tcp counter jump ISTIO_IN_REDIRECT'],
  },
  ISTIO_IN_REDIRECT: { rules: ['meta l4proto tcp counter redirect to :15006'] },
  ISTIO_OUTPUT: { rules: ['oifname "lo" ip saddr 127.0.0.6 counter return'] },
});

export const istioAmbient = aFilter('iptables-legacy', 'mangle', {
  PREROUTING: { hook: 'prerouting', policy: 'ACCEPT', rules: ['-A PREROUTING -j ISTIO_PRERT'] },
  ISTIO_PRERT: { rules: ['-A ISTIO_PRERT -m mark --mark 0x539/0xfff -j CONNMARK --set-xmark 0x111/0xfff'] },
});

export const istioAmbientNft = aFilter('nftables', 'inet istio-ambient-nat', {
  prerouting: { hook: 'prerouting', policy: 'accept', rules: ['jump istio-prerouting'] },
});

export const linkerd = aFilter('iptables-legacy', 'nat', {
  PREROUTING: {
    hook: 'prerouting',
    policy: 'ACCEPT',
    rules: [
      '-A PREROUTING -m comment --comment "proxy-init/install-proxy-init-prerouting" -j PROXY_INIT_REDIRECT',
    ],
  },
  PROXY_INIT_REDIRECT: { rules: ['-A PROXY_INIT_REDIRECT -p tcp -j REDIRECT --to-ports 4143'] },
});

/** Policies for secondary networks, which OpenShift enforces inside the pod. */
export const multiNetworkPolicy = aFilter('nftables', 'ip filter', {
  INPUT: { hook: 'input', policy: 'accept', rules: ['iifname "net1" counter jump MULTI-INGRESS'] },
  'MULTI-INGRESS': { rules: ['counter jump MULTI-0-INGRESS', 'meta mark & 0x30000 != 0x30000 counter drop'] },
  'MULTI-0-INGRESS': { rules: ['tcp dport 80 counter drop'] },
});

export const meshes = [
  ['istio with sidecars', istioSidecar],
  ['istio ambient', istioAmbient],
  ['istio ambient by nftables', istioAmbientNft],
  ['linkerd', linkerd],
  ['multi-networkpolicy', multiNetworkPolicy],
] as const;
