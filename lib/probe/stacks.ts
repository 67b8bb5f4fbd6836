/** What the kernel, or `ip`, said about each network namespace, and the output of the packet filters. */
import { messageOf } from '../model/errors.ts';
import type { Part } from '../model/evidence.ts';
import type { IpsecPolicy, PacketFilter } from '../model/network.ts';
import { atMost } from './limits.ts';
import { parseStack } from './parse/ip.ts';
import { parseIpsecPolicies } from './parse/ipsec-policies.ts';
import { lines } from './parse/lines.ts';
import { parseNetlink } from './parse/netlink.ts';
import { parseIptablesSave, parseNftables } from './parse/packet-filters.ts';
import type { RawStack } from './parse/raw-stack.ts';
import type { Steps } from './steps.ts';
import type { BundleFiles } from './unpack.ts';

type ReadStack = {
  readonly raw: RawStack;
  readonly filters: PacketFilter[];
  readonly filtersFailed: string | null;
  readonly conntrackEntries: number | null;
  readonly ttl: number | null;
  readonly ipsecPolicies: readonly IpsecPolicy[];
};

/** Stacks by directory name: an inode, or `host`. */
export type Stacks = {
  readonly byName: ReadonlyMap<string, Part<ReadStack>>;
  readonly hostFilters: Part<PacketFilter[]>;
  /** Why some namespaces are missing, though nothing failed. */
  readonly leftOut: string | null;
};

/** The network stack of each namespace that the probe entered. */
export function readStacks(files: BundleFiles, steps: Steps): Stacks {
  const bytes = (path: string) => {
    const dropped = steps.dropped.get(path);
    if (dropped !== undefined) throw new Error(dropped);
    return files.get(path) ?? null;
  };
  const read = (path: string) => textOf(bytes(path));
  const names = new Set([
    'host',
    ...[...files.keys(), ...steps.dropped.keys()].flatMap(
      (path) => /^netns\/(\d+)\/(?:netlink|ip\.json)$/.exec(path)?.[1] ?? [],
    ),
  ]);
  const byName = new Map<string, Part<ReadStack>>();
  let objects = 0;
  for (const name of names) {
    const directory = name === 'host' ? 'host' : `netns/${name}`;
    const problem = steps.problems.get(`stack ${name}`);
    byName.set(
      name,
      problem === undefined
        ? attempt(() => {
            const filters = attempt(() => readFilters(read, directory));
            const raw = readStack(bytes, directory);
            const own = countOf(raw);
            atMost('stackObjects', own);
            atMost('nodeObjects', objects + own);
            objects += own;
            return {
              raw,
              filters: filters.status === 'present' ? filters.value : [],
              filtersFailed: filters.status === 'failed' ? filters.reason : null,
              conntrackEntries: numberOrNull(read(`${directory}/conntrack`)),
              ttl: numberOrNull(read(`${directory}/ttl`)),
              ipsecPolicies: name === 'host' ? [] : ipsecOf(bytes(`${directory}/xfrm`)),
            };
          })
        : { status: 'failed', reason: problem },
    );
  }
  for (const [job, reason] of steps.problems) {
    const inode = /^stack (\d+)$/.exec(job)?.[1];
    if (inode !== undefined && !byName.has(inode)) byName.set(inode, { status: 'failed', reason });
  }
  const problem = steps.problems.get('host_firewall');
  const hostFilters: Part<PacketFilter[]> =
    problem === undefined ? attempt(() => readFilters(read, 'host')) : { status: 'failed', reason: problem };
  return { byName, hostFilters, leftOut: steps.stacksLeftOut };
}

const ipsecOf = (answer: Uint8Array | null): IpsecPolicy[] =>
  answer === null ? [] : parseIpsecPolicies(answer);

function countOf({ links, addresses, routes, rules, neighbours, ids, programs = [] }: RawStack): number {
  return [links, addresses, routes, rules, neighbours, ids, programs].reduce(
    (sum, { length }) => sum + length,
    0,
  );
}

/** The kernel's own answers, if one process could ask for all pods; otherwise the output of `ip`. */
function readStack(bytes: (path: string) => Uint8Array | null, directory: string): RawStack {
  const answers = bytes(`${directory}/netlink`);
  if (answers !== null) return parseNetlink(answers);
  const text = (name: string) => textOf(bytes(`${directory}/${name}`));
  const batch = text('ip.json');
  if (batch === null) throw new Error('nothing was read');
  return parseStack(batch, text('rule6.json') ?? '');
}

/** Warnings of nft are no failure; its exit code is. A namespace without output was not read. */
function readFilters(read: (path: string) => string | null, directory: string): PacketFilter[] {
  const failure = lines(read(`${directory}/nft.err`) ?? '').find((line) => line.includes(': exit '));
  if (failure !== undefined) throw new Error(failure.slice(0, 200));
  const nft = read(`${directory}/nft`);
  if (nft === null) throw new Error('no ruleset was read');
  return [
    ...parseNftables(nft),
    ...(['iptables-legacy', 'ip6tables-legacy'] as const).flatMap((backend) => {
      const text = read(`${directory}/${backend}`);
      return text === null ? [] : [parseIptablesSave(text, backend)];
    }),
  ];
}

function attempt<T>(make: () => T): Part<T> {
  try {
    return { status: 'present', value: make() };
  } catch (error) {
    return { status: 'failed', reason: messageOf(error) };
  }
}

const decoder = new TextDecoder();
const textOf = (bytes: Uint8Array | null): string | null => (bytes === null ? null : decoder.decode(bytes));

function numberOrNull(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : null;
}
