/** Where the rules of kube-proxy send what is for the address of a Service. */

import { REPLACE_PROXY } from '../../model/cni-names.ts';
import type { Sources } from '../../model/evidence.ts';
import type { PacketFilter } from '../../model/network.ts';
import { familyOf, sameAddress } from '../cidr.ts';
import { type ForwardRule, readRule } from './forward-rules.ts';
import { familyOfTable, natChain, rulesOfNat } from './nat-chain.ts';
import { destinationsInMaps, hasServiceMap, isOfNftables } from './service-maps.ts';

/** Of kube-proxy in its modes iptables and ipvs. */
export const SERVICES = 'KUBE-SERVICES';
/** As the kernel names them: k3s and microk8s have kube-proxy inside, unless they were told to run without. */
const EMBEDDED: readonly string[] = ['k3s', 'k3s-server', 'k3s-agent', 'kubelite'];

/**
 * `none`: no rule is for the address. `hidden`: nft does not show what a rule does, as iptables keeps it as a target of its
 * own. `unread`: a chain was not read. Empty: the rules end before any.
 */
export type Destinations = 'none' | 'hidden' | 'unread' | readonly string[];

/** The chain of a Service: all of its endpoints, those of the node, or what comes from outside. */
const OF_SERVICE = /^KUBE-(?:SVC|SVL|EXT|FW|XLB)-/;
/**
 * nft without the extensions of iptables shows that a rule translates, not to what. Earlier probes have nothing of it in one
 * family where nft 1.0.6 listed tables of the other first.
 */
const TRANSLATES = /\bDNAT\b|\bdnat\b/;
/** Where a rule translates to. */
export const TO = /(?:--to-destination|dnat(?: ip6?)? to) (?:\[([0-9a-f:]+)\]|([0-9.]+))/;
/** A Service's rules lead to chains of its endpoints, and no deeper. */
const DEPTH = 4;

function isFor({ conditions }: ForwardRule, address: string): boolean {
  return conditions.some(
    ({ option, value, negated }) =>
      option === '-d' && !negated && sameAddress(value.split('/')[0] ?? '', address),
  );
}

/** Whether kube-proxy has rules of single Services there. In mode ipvs one rule is for all of them. */
export function hasServiceRules(filter: PacketFilter): boolean {
  if (hasServiceMap(filter)) return true;
  return (rulesOfNat(filter, SERVICES) ?? []).some((text) => OF_SERVICE.test(readRule(text)?.target ?? ''));
}

/** @returns null where kube-proxy has no rules in this table of this family */
export function destinationsOf(filter: PacketFilter, address: string): Destinations | null {
  if (isOfNftables(filter)) return destinationsInMaps(filter, address);
  if (familyOf(address) !== familyOfTable(filter) || !hasServiceRules(filter)) return null;
  const chainsOf = (table: string) =>
    new Map(filter.tables.find(({ name }) => name === table)?.chains.map(({ name, rules }) => [name, rules]));
  const chains = chainsOf('nat');
  const services = (chains.get(SERVICES) ?? []).flatMap((text) => readRule(text) ?? []);
  const first = services.flatMap((rule) => (isFor(rule, address) && rule.target !== null ? rule.target : []));
  if (first.length === 0) {
    // What has no endpoint on this node, and may have none elsewhere (internalTrafficPolicy Local), is dropped.
    const dropped = (chainsOf('filter').get(SERVICES) ?? [])
      .flatMap((text) => readRule(text) ?? [])
      .some((rule) => isFor(rule, address) && rule.target === 'DROP');
    return dropped ? null : 'none';
  }
  const found = new Set<string>();
  let unread = false;
  let hidden = false;
  let next = first;
  for (let depth = 0; depth < DEPTH; depth += 1) {
    // The kernel has every chain that a rule leads to: one that is not here was not read.
    unread ||= next.some((chain) => chain.startsWith('KUBE-') && !chains.has(chain));
    const rules = [...new Set(next)].flatMap((chain) => chains.get(chain) ?? []);
    if (rules.some((rule) => readRule(rule)?.target === 'KUBE-MARK-DROP')) return null;
    for (const text of rules) {
      const to = TO.exec(text);
      if (to !== null) found.add(to[1] ?? to[2] ?? '');
      else hidden ||= TRANSLATES.test(text) || (readRule(text)?.target ?? null) === null;
    }
    next = rules.flatMap((text) => {
      const target = readRule(text)?.target;
      return target?.startsWith('KUBE-') && !target.startsWith('KUBE-MARK-') ? [target] : [];
    });
  }
  if (unread) return 'unread';
  return hidden ? 'hidden' : [...found];
}

export type ServiceProxy = {
  /** The process that it is, or is part of. */
  readonly process: string;
  /** False beside an agent that can replace it: what contains it may have been told to run without it. */
  readonly certain: boolean;
};

/** The node's kube-proxy; null if none runs. Pods may have processes of any name, such as a k3s of their own. */
export function serviceProxyIn(processes: Sources['processes']): ServiceProxy | null {
  if (processes.some(({ command }) => command === 'kube-proxy'))
    return { process: 'kube-proxy', certain: true };
  const embedding = processes.find(
    ({ command, containerId }) => containerId === null && EMBEDDED.includes(command),
  );
  if (embedding === undefined) return null;
  return { process: embedding.command, certain: !isProxyReplaced(processes) };
}

/** What is not certain about kube-proxy, as a reason. */
export function uncertain({ process }: ServiceProxy): string {
  return `${process} may run without kube-proxy, as an agent that replaces it runs here`;
}

/** Whether an agent runs that can take the place of kube-proxy. */
export function isProxyReplaced(processes: Sources['processes']): boolean {
  return processes.some(({ command }) => REPLACE_PROXY.includes(command));
}

/** Whether kube-proxy runs, or left its rules; null if neither, or if another agent may have replaced it. */
export function serviceProxyOf(
  filters: readonly PacketFilter[],
  processes: Sources['processes'],
): 'runs' | 'gone' | null {
  const hasRules = filters.some((filter) => natChain(filter, SERVICES) !== null || isOfNftables(filter));
  if (!hasRules || isProxyReplaced(processes)) return null;
  return serviceProxyIn(processes) === null ? 'gone' : 'runs';
}
