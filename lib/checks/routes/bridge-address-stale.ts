import { contains, familyOf, sameAddress } from '../../computed/cidr.ts';
import { loadedConfig } from '../../computed/loaded-config.ts';
import { gatewaysOf, prefixOf } from '../../computed/routes/bridges.ts';
import { cniPlugin } from '../../model/cni-plugins.ts';
import type { PodNetwork, Sources } from '../../model/evidence.ts';
import { defineCheck, fail, notApplicable, pass } from '../define.ts';
import { drain, uncordon } from '../remedies/node.ts';
import { command, repairOnNode } from '../remedies/steps.ts';

/** Two faults: the bridge lost the gateway of running pods, or the bridge stayed in an old subnet (flannel#1850). */
export const bridgeAddressStale = defineCheck({
  id: 'bridge-address-stale',
  topic: 'routes',
  severity: 'critical',
  title: 'The bridge holds the gateway address of its pods, in the configured subnet',
  failureTitle: "Bridge's gateway address is missing or outdated",
  why:
    'Pods behind a bridge leave the node through its address: without it, all of them are cut off. If ' +
    'the bridge stayed in an old subnet, every new pod fails with "already has an IP address different ' +
    'from".',
  needs: ['podNetworks', 'hostNetwork', 'cniConfig', 'node'],
  run({ podNetworks, hostNetwork, cniConfig, node: nodeInfo }, { node }) {
    const bridges = hostNetwork.links.filter((link) => link.kind === 'bridge');
    return bridges.flatMap((bridge) => {
      const behind = podNetworks.filter((network) => network.hostLink?.master === bridge.name);
      const configured = configuredSubnets(bridge.name, behind, cniConfig, nodeInfo.podCIDRs);
      const gateways = gatewaysOf(bridge.name, behind);
      if (gateways.size === 0 && configured === null) return [];
      const object = { kind: 'link', name: bridge.name, node } as const;
      if (!bridge.up) return [notApplicable(object, 'the bridge is down: see node-bridge-broken')];
      const held = hostNetwork.addresses.filter(
        ({ link, scope }) => link === bridge.name && scope === 'global',
      );
      const shown =
        held.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(', ') || 'none';
      const lost = [...gateways].filter(
        ([gateway]) => !held.some(({ address }) => sameAddress(address, gateway)),
      );
      const port = hostNetwork.links.find(({ master, kind }) => master === bridge.name && kind !== 'veth');
      if (lost.length > 0 && port !== undefined) {
        return [notApplicable(object, `the gateway may be a router behind its port ${port.name}`)];
      }
      if (lost.length > 0) {
        return [
          fail(object, {
            detail:
              `${lost.map(([gateway, pods]) => `${gateway}, the gateway of ${pods.length === 1 ? 'one pod' : `${pods.length} pods`},`).join(' and ')}` +
              ` is not on ${bridge.name}; its addresses: ${shown}.`,
            confidence: 'confirmed',
            evidence: lost.map(([gateway, pods]) => ({
              what: `addresses of ${bridge.name}`,
              expected: `${gateway} (CNI result of ${pods[0]?.pod.namespace}/${pods[0]?.pod.name})`,
              actual: shown,
              source: 'ip addr (node)',
            })),
            remedy: lost.map(([gateway, pods]) =>
              repairOnNode(
                node,
                'give the address back to the bridge; no pod has to be recreated.',
                command('ip', 'addr', 'add', `${gateway}/${prefixOf(pods[0], gateway)}`, 'dev', bridge.name),
              ),
            ),
          }),
        ];
      }
      if (configured === null || held.length === 0) return [pass(object)];
      const stale = ([4, 6] as const).flatMap((family) => {
        const subnets = configured.subnets.filter((subnet) => familyOf(subnet) === family);
        const addresses = held.filter((address) => address.family === family);
        const inside = addresses.some(({ address }) => subnets.some((subnet) => contains(subnet, address)));
        return subnets.length > 0 && addresses.length > 0 && !inside ? subnets : [];
      });
      if (stale.length === 0) return [pass(object)];
      return [
        fail(object, {
          detail: `${bridge.name} has ${shown}, outside ${stale.join(', ')} (${configured.source}): new pods fail on this node.`,
          confidence: 'probable',
          evidence: [
            {
              what: `subnet of ${bridge.name}`,
              expected: `${stale.join(', ')} (${configured.source})`,
              actual: shown,
              source: 'ip addr (node)',
            },
          ],
          remedy: [
            drain(node, 'Move the pods away first: they lose their network with the bridge.'),
            repairOnNode(
              node,
              'remove the bridge, if no pod is left on it (delete those of DaemonSets; new ones wait): the ' +
                'plugin recreates it in the configured subnet.',
              removeEmptyBridge(bridge.name),
            ),
            uncordon(node, `Once ${bridge.name} is gone`),
          ],
        }),
      ];
    });
  },
});

/** Refuses while the bridge has a port. */
function removeEmptyBridge(name: string): string {
  return `ports=$(${command('ip', '-o', 'link', 'show', 'master', name)}) && test -z "$ports" && ${command('ip', 'link', 'del', name)}`;
}

/** The subnets that new pods on this bridge will get; null if the configuration does not say. */
function configuredSubnets(
  bridge: string,
  behind: readonly PodNetwork[],
  config: Sources['cniConfig'],
  podCIDRs: readonly string[],
): { subnets: readonly string[]; source: string } | null {
  const file = loadedConfig(config);
  const addresses = cniPlugin(file?.plugins[0])?.addresses;
  if (file !== undefined && addresses === 'range' && file.bridge === bridge && file.subnets.length > 0) {
    return { subnets: file.subnets, source: `${config.directory}/${file.name}` };
  }
  const fromNode = behind.some(({ plugin }) => cniPlugin(plugin)?.addresses === 'podCIDR');
  if (addresses === 'podCIDR' && fromNode && podCIDRs.length > 0) {
    return { subnets: podCIDRs, source: 'API: node.spec.podCIDRs' };
  }
  return null;
}
