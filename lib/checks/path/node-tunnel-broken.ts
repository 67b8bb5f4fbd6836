import { reachedBy, type Tunnel, tunnelOf } from '../../computed/path/tunnel.ts';
import type { Sources } from '../../model/evidence.ts';
import type { NetworkStack } from '../../model/network.ts';
import { listed, quote } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

const SHOWN = 10;

/**
 * systemd-networkd takes over the device and changes its MAC address (flannel#1330, #1788), or a network
 * restart takes the device down.
 */
export const nodeTunnelBroken = defineCheck({
  id: 'node-tunnel-broken',
  topic: 'path',
  severity: 'critical',
  title: "The node's tunnel to other nodes is as its agent created it",
  failureTitle: "Node's tunnel to other nodes is broken",
  why:
    "No packet gets from the node's pods to those on other nodes, or no answer comes back, while " +
    'everything on the node works. Nodes and pods look healthy.',
  needs: ['node', 'otherNodes', 'hostNetwork'],
  run({ node: own, otherNodes, hostNetwork }, { node, now }) {
    const object = nodeObject(node);
    const tunnel = tunnelOf(own, hostNetwork);
    if (tunnel === null)
      return [notApplicable(object, 'the node has no tunnel device of flannel, Calico or Cilium')];
    const faults = [...ofDevice(tunnel), ...ofNeighbours(tunnel, hostNetwork, otherNodes, now)];
    if (faults.length === 0) return [pass(object)];
    return [
      fail(object, {
        detail: `${quote(tunnel.device, 20)} is broken: ${listed(
          faults.map(({ detail }) => detail),
          5,
        )}.`,
        confidence: 'confirmed',
        evidence: faults.slice(0, SHOWN).map(({ what, expected, actual }) => ({
          what,
          expected,
          actual,
          source: `ip -d link show ${tunnel.device}; ip neigh show dev ${tunnel.device} (node); expected: API: annotations of the nodes`,
        })),
        remedy: [
          lookOnNode(
            node,
            'look at the device, and find out whether a network manager of the node has taken it over.',
            `${command('ip', '-d', 'link', 'show', tunnel.device)}; ${command('ip', 'neigh', 'show', 'dev', tunnel.device)}; journalctl -b -u systemd-networkd -u NetworkManager --no-pager | grep -F ${command(tunnel.device)} | tail -n 20`,
          ),
          ...faults.flatMap(({ line }) =>
            line === null ? [] : [repairOnNode(node, 'put it back; no pod has to be deleted.', line)],
          ),
          // The agent recreates the device and its entries; pods keep running.
          restartAgent(tunnel.plugin, node),
        ],
      }),
    ];
  },
});

type Fault = {
  readonly detail: string;
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly line: string | null;
};

function ofDevice({ device, link, mac, address, foreign }: Tunnel): Fault[] {
  if (link === null)
    return [
      { detail: 'the device is gone', what: `link ${device}`, expected: 'up', actual: 'none', line: null },
    ];
  const faults: Fault[] = [];
  if (!link.up)
    faults.push({
      detail: 'the device is down',
      what: `link ${device}`,
      expected: 'up',
      actual: 'down',
      // The kernel deletes the device's routes with it, so the agent has to write them again.
      line: command('ip', 'link', 'set', device, 'up'),
    });
  if (mac !== null && link.mac?.toLowerCase() !== mac)
    faults.push({
      detail: `it has the MAC address ${link.mac}, but other nodes send to ${mac}`,
      what: `MAC address of ${device}`,
      expected: mac,
      actual: link.mac ?? 'none',
      line: command('ip', 'link', 'set', device, 'address', mac),
    });
  if (address !== null && !address.held.includes(address.announced))
    faults.push({
      detail: `it does not hold ${address.announced}, which other nodes send by`,
      what: `address of ${device}`,
      expected: address.announced,
      actual: listed(address.held) || 'none',
      line: command('ip', 'addr', 'add', `${address.announced}/32`, 'dev', device),
    });
  if (foreign !== null)
    faults.push({
      detail: `it sends from ${foreign.local}, an address that the node does not have, so the kernel drops what it sends`,
      what: `address that ${device} sends from`,
      expected: foreign.announced ?? 'an address of the node',
      actual: foreign.local,
      line:
        foreign.announced === null
          ? null
          : command('ip', 'link', 'set', device, 'type', 'vxlan', 'local', foreign.announced),
    });
  return faults;
}

function ofNeighbours(
  tunnel: Tunnel,
  hostNetwork: NetworkStack,
  otherNodes: Sources['otherNodes'],
  now: number,
): Fault[] {
  const { device } = tunnel;
  return reachedBy(tunnel, hostNetwork, otherNodes, now).flatMap(({ name, gateway, mac, announced }) => {
    if (mac !== null && (announced === null || announced === mac)) return [];
    return [
      {
        detail:
          mac === null
            ? `it has no entry for node ${name} (${gateway})`
            : `its entry for node ${name} (${gateway}) is ${mac}, and not ${announced}`,
        what: `neighbour entry of ${device} for ${gateway}`,
        expected: announced ?? 'an entry',
        actual: mac ?? 'none',
        line:
          announced === null
            ? null
            : command(
                ...['ip', 'neigh', 'replace', gateway, 'lladdr', announced],
                ...['nud', 'permanent', 'dev', device],
              ),
      },
    ];
  });
}
