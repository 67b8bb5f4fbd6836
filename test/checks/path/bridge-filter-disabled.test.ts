import { describe, expect, it } from 'vitest';
import { bridgeFilterDisabled } from '../../../lib/checks/path/bridge-filter-disabled.ts';
import type { PacketFilter } from '../../../lib/model/network.ts';
import { aKernel, context, failures } from '../evidence.ts';
import { aBridgePod, aPtpPod } from '../layouts.ts';

const SETTING = 'net.bridge.bridge-nf-call-iptables';
const filter = (table: string, chain: string): PacketFilter => ({
  backend: 'iptables-nft',
  tables: [{ name: table, chains: [{ name: chain, hook: null, policy: null, rules: [] }] }],
});
const run = (
  value: string | undefined,
  { network } = aBridgePod(),
  filters: PacketFilter[] = [filter('ip nat', 'KUBE-SERVICES')],
) =>
  bridgeFilterDisabled.run(
    {
      podNetworks: [network],
      hostPacketFilters: filters,
      kernel: aKernel({ sysctls: value === undefined ? {} : { [SETTING]: value } }),
    },
    context,
  );

describe('bridge-filter-disabled', () => {
  it('passes a node whose bridge asks the packet filter', () => {
    expect(run('1')).toMatchObject([{ result: 'pass' }]);
  });

  it.each([
    ['iptables', filter('ip nat', 'KUBE-SERVICES')],
    ['nftables', filter('ip kube-proxy', 'services')],
  ])('finds that it does not, with kube-proxy in mode %s, and turns it on', (_, one) => {
    const [found] = failures(run('0', aBridgePod(), [one]));
    expect(found?.object).toMatchObject({ kind: 'node' });
    expect(found?.remedy[0]?.command).toBe(`sysctl -w ${SETTING}=1`);
  });

  it('is not applicable without a bridge, without kube-proxy, and where it was not read', () => {
    for (const outcomes of [
      run('0', aPtpPod()),
      run('0', aBridgePod(), [filter('ip nat', 'DOCKER')]),
      run(undefined),
    ])
      expect(outcomes).toMatchObject([{ result: 'notApplicable' }]);
  });
});
