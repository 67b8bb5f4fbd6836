/**
 * How the AWS VPC CNI leads what belongs to the first ENI back there (SetupHostNetwork and connmark.Setup in
 * pkg/networkutils of amazon-vpc-cni-k8s): connections get a mark, packets of pods get that of their
 * connection, and a rule sends those with the mark to the main table, before the table of the pod's own ENI.
 */
import { AWS_MARKS } from '../../model/cni-names.ts';
import type { NetworkStack, PacketFilter, Rule } from '../../model/network.ts';
import { PRIORITY } from '../routes/aws-routing.ts';
import { readRule } from './forward-rules.ts';
import { rulesOfChain, toolOf } from './nat-chain.ts';

/** The rule for the mark, among those of {@link PRIORITY}. */
export const MARK_PRIORITY = 1024;

/** What of it is there. The mark is null if no rule says it. */
export type Marks = {
  readonly tool: string;
  readonly mark: number | null;
  /** mangle: what comes in for the node by the first ENI gets the mark (NodePorts). */
  readonly marksNodePorts: boolean;
  /** mangle: packets of branch ENIs get that of their connection, which exists for NodePorts alone. */
  readonly restoresOfBranches: boolean;
  /** mangle: packets of pods get that of their connection. */
  readonly restores: boolean;
  /** nat: the chain that marks what leaves the VPC has rules, a rule leads there, and another restores the mark. */
  readonly chain: boolean;
  readonly jumps: boolean;
  readonly restoresFirst: boolean;
  /** nftables does what these three do. */
  readonly byNftables: boolean;
  /** What leaves the VPC gets the node's address, and its answers come in by the first ENI. */
  readonly masquerades: boolean;
  /** The rule of the routing policy. */
  readonly rule: Rule | null;
};

const VLANS = 'vlan+';
/** As iptables-save and nft write them; nft may know only the name of the extension. */
const OF_MARK = /\bCONNMARK\b|\bct mark\b/;
const MARK =
  /--(?:restore-mark --(?:nfmask|mask)|set-x?mark) (0x[\da-f]{1,8})\b|\bct mark (?:and|or|&|\|) (0x[\da-f]{1,8})\b/i;

/** Of both backends of iptables together, for IPv4: the agent writes no such rules for IPv6. */
export function marksOf(filters: readonly PacketFilter[], { rules }: Pick<NetworkStack, 'rules'>): Marks {
  const own = filters.filter(({ backend }) => backend.startsWith('iptables-'));
  const chainOf = (table: string, name: string) =>
    own.flatMap((filter) => rulesOfChain(filter, table, name) ?? []);
  const read = (texts: readonly string[]) =>
    texts.map((text) => {
      const rule = readRule(text);
      const link = rule?.conditions.find(({ option, negated }) => option === '-i' && !negated)?.value ?? null;
      return { text, target: rule?.target ?? null, link, ofMark: OF_MARK.test(text) };
    });
  const mangle = read(chainOf('mangle', 'PREROUTING')).filter(({ ofMark }) => ofMark);
  const nat = read(chainOf('nat', 'PREROUTING'));
  const chain = chainOf('nat', AWS_MARKS.chain);
  const ofPods = mangle.filter(({ link }) => link?.endsWith('+') && link !== VLANS);
  const rule = markRule(rules);
  const texts = [...ofPods.map(({ text }) => text), ...chain, ...mangle.map(({ text }) => text)];
  return {
    tool: toolOf(
      own.find(({ tables }) => tables.some(({ name }) => name === 'nat'))?.backend ?? 'iptables-nft',
    ),
    mark: [...texts.map(markIn), Number(rule?.fwmark?.split('/')[0])].find(isMark) ?? null,
    marksNodePorts: mangle.some(({ link }) => link !== null && !link.endsWith('+')),
    restoresOfBranches: mangle.some(({ link }) => link === VLANS),
    restores: ofPods.length > 0,
    chain: chain.length > 0,
    jumps: nat.some(({ target }) => target === AWS_MARKS.chain),
    restoresFirst: nat.some(
      ({ ofMark, link, target }) => ofMark && link === null && target !== AWS_MARKS.chain,
    ),
    byNftables: filters.some(({ backend, tables }) => backend === 'nftables' && tables.some(isMarking)),
    masquerades: chainOf('nat', AWS_MARKS.masquerades).length > 0,
    rule,
  };
}

/** The rule of the routing policy for the mark; null if it is gone. */
export function markRule(rules: readonly Rule[]): Rule | null {
  const found = rules.find(
    ({ family, priority, table, fwmark }) =>
      family === 4 && priority === MARK_PRIORITY && table === 'main' && fwmark !== null,
  );
  return found ?? null;
}

function isMarking({ name, chains }: PacketFilter['tables'][number]): boolean {
  const rulesOf = (wanted: string) => chains.find((chain) => chain.name === wanted)?.rules ?? [];
  return (
    name === `ip ${AWS_MARKS.nftables.table}` &&
    rulesOf(AWS_MARKS.nftables.from).some((rule) => readRule(rule)?.target === AWS_MARKS.nftables.chain) &&
    rulesOf(AWS_MARKS.nftables.from).some((rule) => OF_MARK.test(rule)) &&
    rulesOf(AWS_MARKS.nftables.chain).some((rule) => OF_MARK.test(rule))
  );
}

function markIn(text: string): number | null {
  const found = MARK.exec(text);
  return found === null ? null : Number(found[1] ?? found[2]);
}

const isMark = (mark: number | null): mark is number => mark !== null && mark > 0;

/** Whether a rule sends packets with the mark to the main table before the rules from pods do. */
export function isLedToMain(mark: number | null, { rules }: Pick<NetworkStack, 'rules'>): boolean {
  return rules.some(
    (rule) =>
      rule.family === 4 &&
      rule.table === 'main' &&
      rule.priority < PRIORITY.fromPod &&
      rule.fwmark !== null &&
      (mark === null || Number(rule.fwmark.split('/')[0]) === mark),
  );
}
