import { reachedBy, tunnelOf } from '../../computed/path/tunnel.ts';
import type { ForwardingEntry } from '../../model/network.ts';
import { firstOf, listed, quote, rowsOf } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;
/** The entry for this address applies to all destinations without one of their own. */
const ALL = '00:00:00:00:00:00';

/**
 * The agent writes one entry for each node. It restores a lost entry, or one with the node's former address,
 * only when it restarts.
 */
export const tunnelEntryWrong = defineCheck({
  id: 'tunnel-entry-wrong',
  topic: 'path',
  severity: 'critical',
  title: 'The tunnel sends what is for another node to that node',
  failureTitle: "Tunnel sends another node's traffic elsewhere or nowhere",
  why:
    "The node's pods cannot reach any pod on the other node, and nothing shows it: device, routes and " +
    'neighbours are right, and no counter of the pods changes.',
  needs: ['node', 'otherNodes', 'hostNetwork', 'forwarding'],
  run({ node: own, otherNodes, hostNetwork, forwarding }, { node, now }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, hostNetwork);
    if (tunnel === null)
      return [notApplicable(object, 'the node has no tunnel device of flannel, Calico or Cilium')];
    const { device, plugin } = tunnel;
    const entries = forwarding.filter(({ link }) => link === device);
    const reached = reachedBy(tunnel, hostNetwork, otherNodes, now);
    const faults = reached.flatMap(({ name, mac, addresses }) => {
      // Without a neighbour entry nothing is sent at all: see node-tunnel-broken.
      if (mac === null || addresses.length === 0) return [];
      const found = destinationsOf(entries, mac) ?? destinationsOf(entries, ALL) ?? [];
      if (found.some((destination) => addresses.includes(destination))) return [];
      return [{ name, mac, addresses, found }];
    });
    if (reached.length === 0)
      return [notApplicable(object, `no route leads to another node over ${quote(device, 20)}`)];
    if (faults.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: `${quote(device, 20)} sends what is for ${listed(
          faults.map(
            ({ name, mac, found, addresses }) =>
              `node ${name} (${mac}) ${found.length === 0 ? 'nowhere' : `to ${listed(found, 3)}`} instead of to ${addresses[0]}`,
          ),
          5,
        )}.`,
        confidence: 'confirmed',
        evidence: rowsOf(faults, SHOWN, ({ name, mac, addresses, found }) => ({
          what: `forwarding entry of ${device} for ${mac} (node ${name})`,
          expected: `dst ${listed(addresses, 3)}`,
          actual: found.length === 0 ? 'none' : `dst ${listed(found, 3)}`,
          source: `bridge fdb show dev ${device} (node); expected: API: addresses and annotations of node ${name}`,
        })),
        remedy: [
          lookOnNode(node, 'look at the entries.', command('bridge', 'fdb', 'show', 'dev', device)),
          ...firstOf(
            faults,
            SHOWN,
            ({ mac, addresses }) =>
              repairOnNode(
                node,
                'write the entry as it was; no pod has to be deleted.',
                command(
                  'bridge',
                  'fdb',
                  'replace',
                  mac,
                  'dev',
                  device,
                  'dst',
                  addresses[0] ?? '',
                  'self',
                  'permanent',
                ),
              ),
            (left) => repair(`Likewise the other ${left}: the next audit names them.`),
          ),
          restartAgent(plugin, node),
        ],
      }),
    ];
  },
});

/** Where the entries of that address lead; null if there are none. */
function destinationsOf(entries: readonly ForwardingEntry[], mac: string): string[] | null {
  const found = entries.flatMap((entry) => (entry.mac === mac ? (entry.destination ?? []) : []));
  return found.length === 0 ? null : found;
}
