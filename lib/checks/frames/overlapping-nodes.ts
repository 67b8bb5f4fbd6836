/**
 * Nodes that use the same subnet, such as the default bridge of CRI-O or podman: one finding for each pair of
 * nodes.
 */
import { namespacedName } from '../../model/namespaced-name.ts';
import type { PodAddress } from '../../model/node-result.ts';
import { counted, listed, rowsOf } from '../../model/text.ts';
import { fail, type Outcome } from '../define.ts';
import { look } from '../remedies/steps.ts';

/** More common addresses than this between two nodes are no coincidence: both use the same subnet. */
const FEW = 3;
/**
 * If more nodes than this share an address, each is compared only with the first: the number of pairs grows
 * quadratically.
 */
const ALL_PAIRS = 8;

/** One address in the namespaces of pods on two or more nodes. */
export type SharedAddress = { readonly address: string; readonly holders: readonly PodAddress[] };

type Pair = readonly [string, string];

/** Two nodes, and for each address that both have, one holder on each. */
type Overlap = { readonly nodes: Pair; readonly held: (readonly [PodAddress, PodAddress])[] };

/**
 * @returns the pairs of nodes with so many common addresses that one subnet is the cause, and whether an
 * address is explained by that
 */
export function overlapsOf(shared: readonly SharedAddress[]): {
  readonly pairs: readonly Overlap[];
  readonly explain: (each: SharedAddress) => boolean;
} {
  const common = new Map<string, Overlap>();
  for (const each of shared) {
    const holderOn = new Map(each.holders.map((held) => [held.node, held]));
    for (const nodes of pairsOf(each)) {
      const [first, second] = [holderOn.get(nodes[0]), holderOn.get(nodes[1])];
      if (first === undefined || second === undefined) continue;
      const found = common.get(nodes.join(' '));
      if (found === undefined) common.set(nodes.join(' '), { nodes, held: [[first, second]] });
      else found.held.push([first, second]);
    }
  }
  const pairs = new Map([...common].filter(([, { held }]) => held.length > FEW));
  return {
    pairs: [...pairs.values()],
    explain: (each) => pairsOf(each).every((nodes) => pairs.has(nodes.join(' '))),
  };
}

function pairsOf({ holders }: SharedAddress): Pair[] {
  const nodes = [...new Set(holders.map(({ node }) => node))].sort();
  return nodes
    .slice(0, nodes.length > ALL_PAIRS ? 1 : nodes.length)
    .flatMap((first, index) => nodes.slice(index + 1).map((second): Pair => [first, second]));
}

/** A finding of the cluster: a node is not believed about another node. */
export function overlapping({ nodes, held }: Overlap): Outcome {
  const both = nodes.join(' and ');
  const own = held.flat();
  const networks = [...new Set(own.map(({ network }) => network))].sort();
  const addresses = held.map(([{ address }]) => address);
  return fail(
    { kind: 'cluster', name: both },
    {
      detail: `${both} give out the same addresses: ${counted(addresses.length, 'address', 'addresses')} are held on both, such as ${listed(addresses, FEW)} (network ${listed(networks, FEW)}).`,
      confidence: 'probable',
      evidence: rowsOf(own, 2 * FEW, (each) => ({
        what: `holder of ${each.address}`,
        actual: `${namespacedName(each.pod)} on ${each.node}`,
        source: `ip addr (netns ${each.namespace} of ${each.node})`,
      })),
      remedy: [
        look(
          'Compare what the nodes give out; the subnets of no two nodes may overlap.',
          "kubectl get nodes -o custom-columns='NAME:.metadata.name,PODCIDRS:.spec.podCIDRs'",
        ),
        look(
          "Read the CNI configuration in /etc/cni/net.d on both: a subnet there that is not of the node's own podCIDRs, such as a default of the runtime, is the fault. Once it is corrected, the pods of that node need new addresses.",
        ),
      ],
    },
  );
}
