/**
 * What the AWS VPC CNI sets up on a node to route its pods (cmd/routed-eni-cni-plugin/driver/driver.go and
 * pkg/networkutils/network.go of amazon-vpc-cni-k8s): rules for traffic to and from each address, and a table
 * for each network interface.
 */
import { BRANCH_ENI } from '../../model/cni-names.ts';
import { AWS_CNI } from '../../model/cni-plugins.ts';
import type { PodNetwork } from '../../model/evidence.ts';
import type { NetworkStack, Rule } from '../../model/network.ts';
import { addressBits, familyOf } from '../cidr.ts';
import { linkFault, networkElsewhere } from '../preconditions.ts';

/**
 * The plugin's rules by priority: branch ENIs by link, to a pod, from a pod on a second ENI, from the ENI's
 * own address.
 */
export const PRIORITY = { link: 10, toPod: 512, fromPod: 1536, fromEni: 32765 } as const;
/** The table of a branch ENI is this plus the VLAN's number. */
export const VLAN_TABLES = 100;
const MAIN = 254;

/** A pod on an ENI that it shares with others, or why it is not one. */
export function sharedEniPod(network: PodNetwork): string | null {
  if (network.plugin !== AWS_CNI) return 'the AWS VPC CNI did not attach the pod';
  const fault = networkElsewhere(network) ?? linkFault(network);
  if (fault !== null) return fault;
  return isBranchPod(network) ? 'the pod is on a branch ENI: see aws-vlan-missing' : null;
}

/** Security groups for pods in strict mode: the pod has an ENI of its own, behind a VLAN. */
export function isBranchPod({ plugin, hostLink }: PodNetwork): boolean {
  return plugin === AWS_CNI && hostLink?.name.startsWith(BRANCH_ENI.link) === true;
}

/**
 * The table of the pod's ENI as the plugin's result notes it: in place of a MAC address, or before version
 * 1.20 as the number of the ENI in an entry without interface. `main` for the first ENI; null if the result
 * has neither.
 */
export function eniTable({ results, interface: name }: PodNetwork): string | null {
  const all = results.find((result) => result.interface === name)?.interfaces ?? [];
  const noted = all.find((one) => one.inPod && one.name === name)?.mac ?? '';
  if (/^\d{1,5}$/.test(noted)) return tableName(Number(noted));
  const device = all.find((one) => one.name.startsWith('dummy'))?.device;
  return device === undefined ? null : tableName(device === 0 ? MAIN : device + 1);
}

/** Older versions numbered the first ENI 1, but still wrote its routes to the main table. */
const tableName = (table: number): string => (table <= 1 || table === MAIN ? 'main' : String(table));

/** The pod has an address of another ENI than the first: by the plugin's result, else by a rule of the pod. */
export function isOfAnotherEni(network: PodNetwork, { rules }: Pick<NetworkStack, 'rules'>): boolean {
  const table =
    eniTable(network) ??
    rules.find(
      ({ priority, source }) =>
        priority === PRIORITY.fromPod && network.pod.podIPs.some((address) => source === `${address}/32`),
    )?.table ??
    'main';
  return table !== 'main';
}

/** A rule that the plugin created for an address. */
export type PodRule = { readonly address: string; readonly priority: number; readonly table: string };

/** Rules that a pod on a shared ENI should have but lacks; if its table is not known, only the rule to the pod. */
export function missingRules(network: PodNetwork, { rules }: NetworkStack): PodRule[] {
  const table = eniTable(network);
  const has = (test: (rule: Rule) => boolean) => rules.some(test);
  return network.pod.podIPs.flatMap((address) => {
    const whole = `${address}/${addressBits(address)}`;
    const to = { address, priority: PRIORITY.toPod, table: 'main' };
    const from = { address, priority: PRIORITY.fromPod, table: table ?? '' };
    const isTo = (rule: Rule) =>
      rule.priority === PRIORITY.toPod && rule.destination === whole && rule.table === 'main';
    // Versions before 1.7 had one rule for each network of the VPC.
    const isFrom = (rule: Rule) =>
      rule.priority === PRIORITY.fromPod && rule.source === whole && rule.table === table;
    return [...(has(isTo) ? [] : [to]), ...(table === null || table === 'main' || has(isFrom) ? [] : [from])];
  });
}

/** The table to which a rule sends the pod's packets instead of its ENI's; null if none does. */
export function otherTable(network: PodNetwork, { rules }: NetworkStack): string | null {
  const own = new Set(network.pod.podIPs.map((address) => `${address}/${addressBits(address)}`));
  return rules.find((rule) => rule.priority === PRIORITY.fromPod && own.has(rule.source))?.table ?? null;
}

/** The rule as arguments of `ip rule add`. */
export function ruleArguments({ address, priority, table }: PodRule): string[] {
  const side = priority === PRIORITY.toPod ? 'to' : 'from';
  const whole = `${address}/${addressBits(address)}`;
  return [`-${familyOf(address)}`, 'rule', 'add', side, whole, 'lookup', table, 'priority', String(priority)];
}

/** The plugin's rules, by the address that they are for. */
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
