import { describe, expect, it } from 'vitest';
import { bridgePortFlagsWrong } from '../../../lib/checks/path/bridge-port-flags-wrong.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Link } from '../../../lib/model/network.ts';
import { aHostLink, aPodNetwork, context, failures } from '../evidence.ts';
import { aPtpPod } from '../layouts.ts';

const RIGHT = { hairpin: true, learning: true, isolated: false };
const network = aPodNetwork();
const config = (
  changes: { hairpin?: boolean; isolation?: boolean; network?: string } = {},
): Sources['cniConfig'] => ({
  directory: '/etc/cni/net.d',
  files: [
    {
      name: '10-lab.conflist',
      error: null,
      network: network.results[0]?.network ?? '',
      plugins: ['bridge'],
      ipam: [],
      subnets: [],
      mtu: null,
      bridge: 'cni0',
      hairpin: true,
      ...changes,
    },
  ],
  binaryDirectory: '/opt/cni/bin',
  binaries: [],
  unusable: [],
});
function run(portFlags: Link['portFlags'], cniConfig = config()) {
  const hostLink = aHostLink({ portFlags });
  return bridgePortFlagsWrong.run({ podNetworks: [{ ...network, hostLink }], cniConfig }, context);
}

describe('bridge-port-flags-wrong', () => {
  it('passes a port that is set as the configuration has it', () => {
    expect(run(RIGHT)).toMatchObject([{ result: 'pass' }]);
    expect(run({ ...RIGHT, isolated: true }, config({ isolation: true }))).toMatchObject([
      { result: 'pass' },
    ]);
  });

  it('lets hairpin be where the configuration does not speak of it', () => {
    for (const hairpin of [true, false])
      expect(run({ ...RIGHT, hairpin }, config({ hairpin: false }))).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    [
      'hairpin is off',
      { hairpin: false },
      'hairpin',
      'on',
      'medium',
      'does not reach itself through its Service',
    ],
    ['it is isolated', { isolated: true }, 'isolated', 'off', 'high', 'reaches no other pod'],
    [
      'it gets no broadcast',
      { bcast_flood: false },
      'bcast_flood',
      'on',
      'high',
      'no ARP request reaches the pod',
    ],
    ['it is locked', { locked: true }, 'locked', 'off', 'high', 'the bridge drops all that it sends'],
    ['it does not learn', { learning: false }, 'learning', 'on', 'medium', 'goes to every port'],
  ])('finds that %s, and sets it', (_, changes, flag, value, severity, hurts) => {
    const [found] = failures(run({ ...RIGHT, ...changes }));
    expect(found?.detail).toContain(hurts);
    expect(found?.severity ?? bridgePortFlagsWrong.severity).toBe(severity);
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      `ip link set veth12345678 type bridge_slave ${flag} ${value}`,
    ]);
  });

  it('is not applicable without a bridge, without the configuration of the network, or without flags', () => {
    const ptp = aPtpPod().network;
    expect(bridgePortFlagsWrong.run({ podNetworks: [ptp], cniConfig: config() }, context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
    expect(run(RIGHT, config({ network: 'other' }))).toMatchObject([{ result: 'notApplicable' }]);
    expect(run(null)).toMatchObject([{ result: 'notApplicable' }]);
  });
});
