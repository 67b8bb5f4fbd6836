import type { NodeRoutes } from '../../model/node-routes.ts';
import { firstOf, listed, quote, rowsOf } from '../../model/text.ts';
import { defineClusterCheck, fail, nodeObject, notApplicable, type Outcome, pass } from '../define.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/**
 * Agents and people write such entries, and a node that comes back with the address of another has another
 * MAC address (cilium#14962). The kernel never asks about a permanent one again.
 */
export const neighbourOfNodeWrong = defineClusterCheck({
  id: 'neighbour-of-node-wrong',
  topic: 'path',
  severity: 'critical',
  title: 'The node sends to the MAC addresses that other nodes have',
  failureTitle: 'Node has a wrong MAC of another node',
  why:
    'Whatever the node and its pods send to the other node, or through a tunnel to its pods, is lost, ' +
    'while packets from there arrive. To the pods of the other node, this node looks dead.',
  run({ nodeRoutes }) {
    const owners = Map.groupBy(
      nodeRoutes.flatMap((node) => node.addresses.map((address) => ({ node, address }))),
      ({ address }) => address,
    );
    const taken = new Set(nodeRoutes.flatMap(({ macs = [] }) => macs));
    return nodeRoutes.map((own) => {
      const judged = (own.neighbours ?? []).flatMap((entry) => {
        const [owner, second] = owners.get(entry.address) ?? [];
        const macs = owner?.node.macs ?? [];
        // An address that several nodes hold, as virtual ones, may be with any of them.
        if (owner === undefined || second !== undefined || owner.node === own || macs.length === 0) return [];
        return [{ ...entry, node: owner.node.node, macs }];
      });
      const wrong = judged.filter(
        ({ mac, macs, shared }) =>
          !macs.includes(mac) &&
          // Routers of clouds answer for all addresses of a subnet by one MAC address, which is no node's.
          (!shared || taken.has(mac)),
      );
      if (wrong.length > 0) return failure(own, wrong);
      return judged.length > 0
        ? pass(nodeObject(own.node))
        : notApplicable(nodeObject(own.node), 'the node has no permanent neighbour entry for another node');
    });
  },
});

type Wrong = NonNullable<NodeRoutes['neighbours']>[number] & {
  /** The node that has the address, and its MAC addresses. */
  readonly node: string;
  readonly macs: readonly string[];
};

function failure({ node }: NodeRoutes, wrong: readonly Wrong[]): Outcome {
  return fail(nodeObject(node), {
    detail: `${listed(
      wrong.map(
        ({ node: other, address, mac, link }) =>
          `the permanent neighbour entry for node ${other} (${address}) on ${quote(link, 20)} is ${mac}, which is not a MAC address of that node`,
      ),
      5,
    )}.`,
    confidence: 'confirmed',
    evidence: rowsOf(wrong, SHOWN, ({ node: other, address, mac, link, macs }) => ({
      what: `neighbour entry of ${node} for ${address} (node ${other})`,
      expected: listed(macs, 3),
      actual: `${mac} (PERMANENT)`,
      source: `ip neigh show ${address} dev ${link} (node); expected: ip link (node ${other})`,
    })),
    remedy: [
      lookOnNode(node, 'look at the permanent entries.', 'ip neigh show nud permanent'),
      ...firstOf(
        wrong,
        SHOWN,
        ({ address, link }) =>
          repairOnNode(
            node,
            'remove the entry; the kernel then resolves the address itself. No pod has to be deleted.',
            command('ip', 'neigh', 'del', address, 'dev', link),
          ),
        (left) => repair(`Likewise the other ${left}: the next audit names them.`),
      ),
    ],
  });
}
