/** How a node's packet filter lets a tunnel of other nodes through, and nobody else's. */
import {
  addressKey,
  contains,
  familyOf,
  OF_ONE_CLUSTER,
  prefixLength,
  subnetOf,
} from '../../computed/cidr.ts';
import type { Drop } from '../../computed/firewall/forwarding.ts';
import { toolOf } from '../../computed/firewall/nat-chain.ts';
import type { TunnelEnds } from '../../computed/path/tunnel-packets.ts';
import { FIREWALLD_TABLE } from '../../model/cni-names.ts';
import type { RemedyStep } from '../../model/finding.ts';
import type { NetworkStack } from '../../model/network.ts';
import { command, repair, repairOnNode } from './steps.ts';
import { acceptInNft, isOfSent, tableOf } from './take-back.ts';

/** More are given as a network: a rule for each would be very long. */
const LISTED = 10;

type Asked = TunnelEnds & {
  readonly port: number;
  readonly host: NetworkStack;
  /** By which the tunnel comes in. */
  readonly link: string;
  readonly node: string;
};

export function acceptNodes(drop: Drop, { port, own, others, host, link, node }: Asked): RemedyStep[] {
  const { backend, table, base } = drop;
  const family = familyOf(own[0] ?? '');
  const first = others.flatMap((addresses) =>
    addresses.filter((each) => familyOf(each) === family).slice(0, 1),
  );
  const from = sendersOf(first, family, host);
  const isSent = isOfSent(drop);
  const inNft = acceptInNft(drop, from, 'udp', 'dport', String(port));
  const inIptables = command(
    ...[toolOf(backend), ...tableOf(drop), '-I', base],
    ...[isSent ? '-d' : '-s', from.join(','), '-p', 'udp', '-m', 'udp'],
    ...['--dport', String(port), '-j', 'ACCEPT'],
  );
  const isFirewalld = FIREWALLD_TABLE.test(table) && !isSent;
  const text =
    'let the port through from the nodes, and from nobody else, as what it brings is not checked. No pod has to be deleted.';
  if (!isFirewalld)
    return [
      repairOnNode(node, text, backend === 'nftables' ? inNft : inIptables),
      repair(`Then have the program that keeps the chain accept UDP port ${port} from all nodes.`),
    ];
  const rules = from.map(
    (address) =>
      `--add-rich-rule=rule priority="-1" family="ipv${family}" source address="${address}" port port="${port}" protocol="udp" accept`,
  );
  const zone = zoneOf(drop, link);
  return [
    // firewalld may own its table: then nft may not write there.
    repairOnNode(node, text, `firewall-cmd ${zone} ${command(...rules)} || ${inNft}`),
    repair(
      `Then tell firewalld for good, on each node that runs it: firewall-cmd --permanent ${zone} ${command(...rules)}`,
    ),
  ];
}

/** The zone whose chain refused; else that of the link. */
function zoneOf({ chain }: Drop, link: string): string {
  const zone = /^filter_IN_(?!policy_)([\w.-]+?)(?:_(?:pre|log|deny|allow|post))?$/.exec(chain ?? '')?.[1];
  return zone === undefined
    ? `--zone="$(firewall-cmd ${command(`--get-zone-of-interface=${link}`)} || firewall-cmd --get-default-zone)"`
    : command(`--zone=${zone}`);
}

/** Few nodes by their addresses; many by the network around them, if it is not everybody's. */
function sendersOf(nodes: readonly string[], family: 4 | 6, { addresses }: NetworkStack): readonly string[] {
  const all = [...new Set(nodes.map(addressKey))].map(
    (key) => nodes.find((address) => addressKey(address) === key) ?? key,
  );
  const [first] = all;
  if (first === undefined || all.length <= LISTED) return all;
  const lengths = addresses
    .filter((held) => held.family === family)
    .map((held) => held.prefixLength)
    .toSorted((a, b) => b - a);
  const around = [...lengths, OF_ONE_CLUSTER[family]]
    // Wider ones may be anybody's.
    .filter((length) => length >= OF_ONE_CLUSTER[family])
    .map((length) => subnetOf(first, length))
    .find((network) => all.every((address) => contains(network, address)));
  return around === undefined || prefixLength(around) === 0 ? all : [around];
}
