import { CALICO_TUNNEL, CILIUM_TUNNEL, FLANNEL_TUNNEL } from '../../model/cni-names.ts';
import { CALICO, CILIUM_CNI, FLANNEL } from '../../model/cni-plugins.ts';
import type { NodeRoutes } from '../../model/node-routes.ts';
import { defineClusterCheck, fail, nodeObject, type Outcome, pass, unknown } from '../define.ts';
import { restartAgent } from '../remedies/restart-agent.ts';
import { command, lookOnNode, repairOnNode } from '../remedies/steps.ts';

type Vxlan = NonNullable<NodeRoutes['vxlans']>[number];
type Kind = {
  readonly plugin: string;
  readonly isOf: (device: string) => boolean;
  /** What its agent gives them unless it is told otherwise: decides where as many nodes have one setting as another. */
  readonly default: Omit<Vxlan, 'device'>;
};

/** The devices of one plugin, by which all of its nodes reach each other. Cilium has the VNI in each packet. */
const KINDS: readonly Kind[] = [
  { plugin: FLANNEL, isOf: (device) => FLANNEL_TUNNEL.test(device), default: { id: 1, port: 8472 } },
  { plugin: CALICO, isOf: (device) => device === CALICO_TUNNEL, default: { id: 4096, port: 4789 } },
  { plugin: CILIUM_CNI, isOf: (device) => CILIUM_TUNNEL.test(device), default: { id: null, port: 8472 } },
];
type Tunnel = Vxlan & { readonly node: string };

/**
 * An agent gives a device its settings when it creates it: a node on which it was not restarted keeps earlier
 * ones, and a script or a network manager may create the device in its place. The kernel drops packets of
 * another VNI, and does not see another port.
 */
export const tunnelSettingsDiffer = defineClusterCheck({
  id: 'tunnel-settings-differ',
  topic: 'path',
  severity: 'critical',
  title: 'Tunnels of all nodes use one VNI and port',
  failureTitle: 'Tunnel uses another VNI or port than others',
  why:
    'No packet gets from the pods of this node to those of other nodes, or back, while device, addresses, ' +
    'routes and entries of every node look right.',
  run({ nodeRoutes }) {
    return KINDS.flatMap((kind) => {
      const tunnels = nodeRoutes.flatMap(({ node, vxlans = [] }) => {
        const [only, more] = vxlans.filter(({ device }) => kind.isOf(device));
        // Of several devices one is left over, and nothing says which.
        return only === undefined || more !== undefined ? [] : [{ ...only, node }];
      });
      return tunnels.length < 2 ? [] : judge(kind, tunnels);
    });
  },
});

function judge(kind: Kind, tunnels: readonly Tunnel[]): Outcome[] {
  const groups = [...Map.groupBy(tunnels, textOf)].toSorted(([, a], [, b]) => b.length - a.length);
  const largest = groups.filter(([, { length }]) => length === groups[0]?.[1].length);
  const [usual, most] =
    (largest.length === 1 ? largest[0] : largest.find(([text]) => text === textOf(kind.default))) ?? [];
  return tunnels.map((tunnel) => {
    const { node, device } = tunnel;
    const object = nodeObject(node);
    if (groups.length === 1) return pass(object);
    if (usual === undefined || most === undefined)
      return unknown(object, 'as many nodes have tunnels with one VNI and port as with another');
    const own = textOf(tunnel);
    if (own === usual) return pass(object);
    return fail(object, {
      detail: `${device} of ${node} has ${own}; ${most.length === 1 ? `that of ${most[0]?.node}` : `those of ${most.length} other nodes`} ${most.length === 1 ? 'has' : 'have'} ${usual}.`,
      confidence: 'confirmed',
      evidence: [
        {
          what: `VNI and UDP port of ${device}`,
          expected: usual,
          actual: own,
          source: `ip -d link show ${device} (nodes)`,
        },
      ],
      remedy: [
        lookOnNode(
          node,
          'look at the device. Compare the configuration of the agent on this node with that on others.',
          command('ip', '-d', 'link', 'show', device),
        ),
        // flannel keeps a device with another port, as its configuration need not name one.
        repairOnNode(
          node,
          'delete the device, which carries no packets to other nodes; its agent creates it again when it starts.',
          command('ip', 'link', 'del', device),
        ),
        restartAgent(kind.plugin, node),
      ],
    });
  });
}

const textOf = ({ id, port }: Omit<Vxlan, 'device'>): string =>
  `${id === null ? 'no VNI of its own' : `VNI ${id}`}, UDP port ${port}`;
