/**
 * What the AWS VPC CNI sets up on a node to route its pods (cmd/routed-eni-cni-plugin/driver/driver.go and
 * pkg/networkutils/network.go of amazon-vpc-cni-k8s): rules to and from each address, and a table for each network interface.
 */
import { AWS_CNI } from '../model/cni-plugins.ts';
import type { PodNetwork } from '../model/evidence.ts';
import type { NetworkStack, Rule } from '../model/network.ts';
import { addressBits, familyOf } from './cidr.ts';
import { linkFault, networkElsewhere } from './preconditions.ts';

/** Rules by priority: of branch ENIs by link, to a pod, from a pod of a second ENI, from the ENI's own address. */
export const PRIORITY = { link: 10, toPod: 512, fromPod: 1536, fromEni: 32765 } as const;
/** Of a branch ENI: this and the VLAN's number. */
export const VLAN_TABLES = 100;
const VLAN_LINK = 'vlan';
const MAIN = 254;

/** A pod of an ENI that it shares with others, or why it is none. */
export function sharedEniPod(network: PodNetwork): string | null {
  if (network.plugin !== AWS_CNI) return 'the AWS VPC CNI did not attach the pod';
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  return isBranchPod(network) ? 'the pod is on a branch ENI: see aws-vlan-missing' : null;
}

/** Security groups for pods in strict mode: the pod has an ENI of its own, behind a VLAN. */
export function isBranchPod({ plugin, hostLink }: PodNetwork): boolean {
  return plugin === AWS_CNI && hostLink?.name.startsWith(VLAN_LINK) === true;
}

/**
 * The table of the pod's ENI as the plugin noted it in its result: where a MAC address would be, and before version 1.20 as
 * the number of the ENI in an entry of no interface. `main` for the first ENI; null where the result says neither.
 */
export function eniTable({ results, interface: name }: PodNetwork): string | null {
  const all = results.find((result) => result.interface === name)?.interfaces ?? [];
  const noted = all.find((one) => one.inPod && one.name === name)?.mac ?? '';
  if (/^\d{1,5}$/.test(noted)) return tableName(Number(noted));
  const device = all.find((one) => one.name.startsWith('dummy'))?.device;
  return device === undefined ? null : tableName(device === 0 ? MAIN : device + 1);
}

/** Older versions counted the first ENI's as 1, and wrote to the main table all the same. */
const tableName = (table: number): string => (table <= 1 || table === MAIN ? 'main' : String(table));

/** A rule that the plugin made for an address. */
export type PodRule = { readonly address: string; readonly priority: number; readonly table: string };

/** Rules that a pod of a shared ENI should have and has not; for one whose table is not known only the one to it. */
export function missingRules(network: PodNetwork, { rules }: NetworkStack): PodRule[] {
  const table = eniTable(network);
  const has = (test: (rule: Rule) => boolean) => rules.some(test);
  return network.pod.podIPs.flatMap((address) => {
    const whole = `${address}/${addressBits(address)}`;
    const to = { address, priority: PRIORITY.toPod, table: 'main' };
    const from = { address, priority: PRIORITY.fromPod, table: table ?? '' };
    const isTo = (rule: Rule) =>
      rule.priority === PRIORITY.toPod && rule.destination === whole && rule.table === 'main';
    // Versions before 1.7 had one for each network of the VPC.
    const isFrom = (rule: Rule) =>
      rule.priority === PRIORITY.fromPod && rule.source === whole && rule.table === table;
    return [...(has(isTo) ? [] : [to]), ...(table === null || table === 'main' || has(isFrom) ? [] : [from])];
  });
}

/** The table that a rule takes the pod's packets to instead of its ENI's; null where none does. */
export function otherTable(network: PodNetwork, { rules }: NetworkStack): string | null {
  const own = new Set(network.pod.podIPs.map((address) => `${address}/${addressBits(address)}`));
  return rules.find((rule) => rule.priority === PRIORITY.fromPod && own.has(rule.source))?.table ?? null;
}

/** The rule as the arguments of `ip rule add`. */
export function ruleArguments({ address, priority, table }: PodRule): string[] {
  const side = priority === PRIORITY.toPod ? 'to' : 'from';
  const whole = `${address}/${addressBits(address)}`;
  return [`-${familyOf(address)}`, 'rule', 'add', side, whole, 'lookup', table, 'priority', String(priority)];
}

/** The addresses that the plugin's rules are about, with these rules. */
export function rulesByAddress({ rules }: NetworkStack): ReadonlyMap<string, readonly Rule[]> {
  const found = rules.flatMap((rule) => {
    const side =
      rule.priority === PRIORITY.toPod && rule.table === 'main' && rule.source === 'all'
        ? rule.destination
        : rule.priority === PRIORITY.fromPod && rule.destination === null
          ? rule.source
          : null;
    const [address = '', length] = (side ?? '').split('/');
    return address !== '' && Number(length) === addressBits(address) ? [[address, rule] as const] : [];
  });
  return new Map(
    [...Map.groupBy(found, ([address]) => address)].map(([address, pairs]) => [
      address,
      pairs.map(([, rule]) => rule),
    ]),
  );
}
