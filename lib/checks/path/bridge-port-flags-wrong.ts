import { layoutOf } from '../../computed/layouts.ts';
import { linkFault, networkElsewhere } from '../../computed/preconditions.ts';
import { ON_NO_BRIDGE } from '../../computed/routes/bridges.ts';
import { onOff } from '../../model/restorable.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { hostEnd, restore } from '../remedies/restore.ts';
import { command, repairOnNode } from '../remedies/steps.ts';

type Flag = {
  readonly name: 'hairpin' | 'learning' | 'isolated' | 'bcast_flood' | 'locked';
  readonly expected: boolean;
  readonly hurts: string;
};

const CUTTING: readonly Flag['name'][] = ['isolated', 'locked', 'bcast_flood'];

/** The plugin sets the flags once, and nothing restores them (kubernetes#43966, #45790). */
export const bridgePortFlagsWrong = definePodCheck({
  id: 'bridge-port-flags-wrong',
  topic: 'path',
  severity: 'medium',
  title: "The pod's port of the bridge is set as the CNI configuration has it",
  failureTitle: 'Bridge port does not match the CNI configuration',
  why:
    'Without hairpin mode a pod does not reach itself through its Service, so some of its requests ' +
    'fail. On an isolated port it reaches no pod beside it. Without broadcast nobody finds it, and a ' +
    'locked port is cut off after some silent minutes.',
  needs: ['podNetworks', 'cniConfig'],
  unless: [networkElsewhere, linkFault],
  judge(network, { cniConfig }, { node }) {
    const layout = layoutOf(network);
    if (typeof layout === 'string') return layout;
    if (layout.gatewayMac !== 'bridge') return `${network.plugin} uses no bridge`;
    const { hostLink } = network;
    const flags = hostLink?.portFlags ?? null;
    if (hostLink === null || flags === null) return ON_NO_BRIDGE;
    const config = cniConfig.files.find(
      (file) => file.error === null && file.network === network.results[0]?.network,
    );
    if (config === undefined) return 'no CNI configuration is of the network of the pod';
    const wrong = flagsOf(config).filter(({ name, expected }) => (flags[name] ?? expected) !== expected);
    if (wrong.length === 0) return 'pass';
    return {
      detail: wrong
        .map(
          ({ name, expected, hurts }) =>
            `${hostLink.name} has ${name} ${onOff(!expected)} on ${hostLink.master}: ${hurts}.`,
        )
        .join(' '),
      confidence: 'confirmed',
      // The other flags cost some requests, or only flood the bridge.
      ...(wrong.some(({ name }) => CUTTING.includes(name)) ? { severity: 'high' as const } : {}),
      evidence: wrong.map(({ name, expected }) => ({
        what: `${name} of ${hostLink.name}`,
        expected: onOff(expected),
        actual: onOff(!expected),
        source: `ip -d link show ${hostLink.name} (node); ${cniConfig.directory}/${config.name}`,
      })),
      remedy: wrong.map(({ name, expected }) =>
        repairOnNode(
          node,
          'set the port as the configuration says; the pod needs no restart.',
          command('ip', 'link', 'set', hostLink.name, 'type', 'bridge_slave', name, onOff(expected)),
        ),
      ),
      ...restore(
        network,
        ...wrong.flatMap(({ name: flag, expected: on }) =>
          flag === 'bcast_flood' || flag === 'locked'
            ? []
            : [{ what: 'port-flag', link: hostEnd(hostLink), flag, on } as const],
        ),
      ),
    };
  },
});

/** Unrequested hairpin mode is harmless: Docker and the kubelet set it in their own ways before plugins did. */
function flagsOf({
  hairpin,
  isolation,
}: {
  readonly hairpin?: boolean | undefined;
  readonly isolation?: boolean | undefined;
}): Flag[] {
  return [
    ...(hairpin === true
      ? [
          {
            name: 'hairpin',
            expected: true,
            hurts: 'the pod does not reach itself through its Service',
          } as const,
        ]
      : []),
    ...(isolation === true
      ? []
      : [{ name: 'isolated', expected: false, hurts: 'it reaches no other pod of the bridge' } as const]),
    { name: 'learning', expected: true, hurts: 'what is for the pod goes to every port' },
    {
      name: 'locked',
      expected: false,
      hurts: 'once the pod is silent for some minutes, the bridge drops all that it sends',
    },
    { name: 'bcast_flood', expected: true, hurts: 'no ARP request reaches the pod' },
  ];
}
