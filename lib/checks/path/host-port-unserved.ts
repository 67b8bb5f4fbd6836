import { createHash } from 'node:crypto';
import { PORTMAP } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import type { RemedyStep } from '../../model/finding.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, fail, notApplicable, type Outcome, pass, podObject, unknown } from '../define.ts';
import { command, lookOnNode, recreatePod, repairOnNode } from '../remedies/steps.ts';

const DISPATCH = 'CNI-HOSTPORT-DNAT';

/**
 * The rules of a pod whose DEL failed remain, and the first rule for a port takes all packets (plugins#683,
 * #752, calico#3412).
 */
export const hostPortUnserved = defineCheck({
  id: 'host-port-unserved',
  topic: 'path',
  severity: 'high',
  title: "The node's rules send each hostPort to the pod that has it",
  failureTitle: 'hostPort leads elsewhere or nowhere',
  why:
    'Connections to that port of the node are refused or time out, while the pod is ready and answers ' +
    'on its own address: ingress controllers and DNS caches look healthy and get nothing.',
  needs: ['podNetworks', 'hostPacketFilters'],
  run({ podNetworks, hostPacketFilters }, { node }) {
    const asking = podNetworks.map((network) => ({ network, ports: hostPorts(network) }));
    const live = new Set(podNetworks.flatMap((network) => chainOf(network) ?? []));
    const all = dispatchRules(hostPacketFilters);
    const rules = all.filter((rule) => rule !== null);
    // nft hides the ports of a match that it does not know, so a port that seems to lack a rule may have one.
    const isUnread = rules.length < all.length;
    // Portmap 1.6 may use an nftables table instead.
    const elsewhere = hostPacketFilters.some(({ tables }) =>
      tables.some(({ name }) => /\bcni_hostport\b/.test(name)),
    );
    return asking.flatMap(({ network, ports }): Outcome[] => {
      if (ports.length === 0) return [];
      const object = podObject(network.pod, node);
      const chain = chainOf(network);
      if (chain === null)
        return [
          notApplicable(object, 'its ports are not mapped by the CNI plugin portmap, as far as is known'),
        ];
      if (elsewhere) return [notApplicable(object, 'its ports are mapped in nftables')];
      const faults = ports.flatMap((port) => {
        const first = rules.find((rule) => rule.protocol === port.protocol && rule.ports.includes(port.port));
        // Two pods with the same port on different addresses of the node have a rule each.
        return first === undefined || !live.has(first.chain)
          ? [{ ...port, taken: first?.chain ?? null }]
          : [];
      });
      if (faults.length === 0) return [pass(object)];
      if (isUnread && faults.every(({ taken }) => taken === null))
        return [unknown(object, 'a rule of the node for a hostPort could not be read')];
      const stale = [...new Set(faults.flatMap(({ taken }) => taken ?? []))];
      return [
        fail(object, {
          detail: `${faults
            .map(({ port, protocol, taken }) =>
              taken === null
                ? `No rule of the node sends port ${port}/${protocol} to the pod.`
                : `The first rule of the node for port ${port}/${protocol} sends it to ${taken}, which belongs to no running pod.`,
            )
            .slice(0, 5)
            .join(' ')}`,
          confidence: stale.length > 0 ? 'confirmed' : 'probable',
          evidence: faults.slice(0, 10).map(({ port, protocol, taken }) => ({
            what: `rule of ${DISPATCH} for port ${port}/${protocol}`,
            expected: chain,
            actual: taken ?? 'none',
            source: 'iptables-save -t nat (node)',
          })),
          remedy: remedyOf(network, stale, node),
        }),
      ];
    });
  },
});

/** An empty chain lets the packet continue to the next rule, which is the pod's. */
function remedyOf(network: PodNetwork, stale: readonly string[], node: string): RemedyStep[] {
  const seen = lookOnNode(
    node,
    stale.length === 0
      ? 'look at the rules: a firewall that was reloaded may have flushed them, those of other pods as well.'
      : `look at the rules of ${counted(stale.length, 'chain')} left over: ${listed(stale, 3)}.`,
    command('iptables', '-t', 'nat', '-S', DISPATCH),
  );
  if (stale.length === 0) return [seen, ...recreatePod(network.pod)];
  return [
    seen,
    ...stale
      .slice(0, 5)
      .map((chain) =>
        repairOnNode(
          node,
          "empty the chain of the pod that is gone; the next rule for the port is this pod's.",
          command('iptables', '-t', 'nat', '-F', chain),
        ),
      ),
  ];
}

type Port = { readonly port: number; readonly protocol: string };

function hostPorts({ pod }: PodNetwork): Port[] {
  return pod.containers
    .filter(({ role, running }) => role !== 'init' && running)
    .flatMap(({ ports }) =>
      ports.flatMap(({ hostPort, protocol }) =>
        hostPort === null ? [] : [{ port: hostPort, protocol: protocol.toLowerCase() }],
      ),
    );
}

/**
 * The name that portmap uses: `CNI-DN-` and the first digits of the SHA-512 of network and container, 28
 * characters in all.
 */
function chainOf({ results, interface: name }: PodNetwork): string | null {
  const result = results.find((each) => each.interface === name);
  if (result === undefined || !result.plugins.includes(PORTMAP)) return null;
  const digits = createHash('sha512').update(`${result.network}${result.containerId}`).digest('hex');
  return `CNI-DN-${digits}`.slice(0, 28);
}

type DispatchRule = { readonly protocol: string; readonly ports: readonly number[]; readonly chain: string };

/** Rules of both backends, each in the kernel's order. Null if one leads to a portmap chain and cannot be read. */
function dispatchRules(filters: Sources['hostPacketFilters']): (DispatchRule | null)[] {
  return filters
    .filter(({ backend }) => backend === 'iptables-nft' || backend === 'iptables-legacy')
    .flatMap(({ tables }) => tables.filter(({ name }) => name === 'nat'))
    .flatMap(({ chains }) => chains.filter(({ name }) => name === DISPATCH))
    .flatMap(({ rules }) => rules.flatMap(readDispatch));
}

/** `-p tcp … --dports 80,443 -j CNI-DN-…`, or `meta l4proto tcp tcp dport { 80, 443 } counter jump CNI-DN-…`. */
function readDispatch(text: string): (DispatchRule | null)[] {
  const chain = /(?:-j|jump) (CNI-DN-[0-9a-f]{1,21})$/.exec(text.trim())?.[1];
  const protocol =
    /(?:-p|l4proto) (tcp|udp|sctp)\b/.exec(text)?.[1] ?? /\b(tcp|udp|sctp) dport/.exec(text)?.[1];
  const ports = /--dports? ([\d,]+)|dport (?:\{ ([\d, ]+) \}|(\d+))/.exec(text);
  const list = ports?.[1] ?? ports?.[2] ?? ports?.[3];
  if (chain === undefined) return [];
  if (protocol === undefined || list === undefined) return [null];
  return [{ chain, protocol, ports: list.split(/, ?/).map(Number) }];
}
