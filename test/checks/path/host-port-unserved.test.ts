import { describe, expect, it } from 'vitest';
import { hostPortUnserved } from '../../../lib/checks/path/host-port-unserved.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import { aCniResult, aPod, aPodNetwork, context, failures } from '../evidence.ts';

/** A pod of the network `lab` whose chain portmap named like this on a real node. */
const ID = '20ddfad8d6e73dd14081d10c0daf425ed455a6ddc255cbcd8432365cf8113365';
const OWN = 'CNI-DN-87e140bbc1b82979ede35';
const STALE = 'CNI-DN-0123456789abcdef01234';

function aServer(plugins = ['bridge', 'portmap'], hostPort: number | null = 8088): PodNetwork {
  const containers = aPod().containers.map((container) => ({
    ...container,
    ports: [{ port: 80, hostPort, protocol: 'TCP' }],
  }));
  return aPodNetwork({ pod: aPod({ containers }), results: [aCniResult({ containerId: ID, plugins })] });
}

const nft = (port: string, chain: string) => `meta l4proto tcp  tcp dport ${port} counter jump ${chain}`;
const legacy = (port: string, chain: string) =>
  `-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"lab\\" id: \\"x\\"" -m multiport --dports ${port} -j ${chain}`;

function filters(
  rules: string[],
  backend: 'iptables-nft' | 'iptables-legacy' = 'iptables-nft',
): Sources['hostPacketFilters'] {
  const chain = { name: 'CNI-HOSTPORT-DNAT', hook: null, policy: null, rules };
  return [{ backend, tables: [{ name: 'nat', chains: [chain] }] }];
}

const run = (hostPacketFilters: Sources['hostPacketFilters'], ...podNetworks: PodNetwork[]) =>
  hostPortUnserved.run(
    { podNetworks: podNetworks.length === 0 ? [aServer()] : podNetworks, hostPacketFilters },
    context,
  );

describe('host-port-unserved', () => {
  it.each([
    ['nftables', filters([nft('8088', OWN), nft('8088', STALE)])],
    ['iptables-save', filters([legacy('8087,8088', OWN)], 'iptables-legacy')],
    ['a set of nftables', filters([nft('{ 8087, 8088 }', OWN)])],
    ['rules for other ports before it', filters([nft('80', STALE), nft('8088', OWN)])],
  ])("passes a port whose first rule leads to the pod's chain, by %s", (_, hostPacketFilters) => {
    expect(run(hostPacketFilters)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the rule of a pod that is gone before the one of the pod', () => {
    const [found] = failures(run(filters([legacy('8088', STALE), legacy('8088', OWN)], 'iptables-legacy')));
    expect(found?.detail).toBe(
      `The first rule of the node for port 8088/tcp sends it to ${STALE}, which belongs to no running pod.`,
    );
    expect(found).toMatchObject({ confidence: 'confirmed', evidence: [{ expected: OWN, actual: STALE }] });
    expect(found?.remedy.at(-1)?.command).toBe(`iptables -t nat -F ${STALE}`);
  });

  it('finds a port without a rule', () => {
    const [found] = failures(run(filters([])));
    expect(found?.detail).toBe('No rule of the node sends port 8088/tcp to the pod.');
    expect(found?.remedy.at(-1)?.command).toContain('kubectl delete pod');
  });

  it('does not know where nft hides which ports a rule is for', () => {
    const hidden = `meta l4proto tcp xt match "multiport" counter jump ${OWN}`;
    expect(run(filters([hidden]))).toMatchObject([{ result: 'unknown' }]);
    expect(failures(run(filters([nft('8088', STALE), hidden])))).toHaveLength(1);
  });

  it('leaves two running pods with one port on different addresses of the node alone', () => {
    const other = { ...aServer(), results: [aCniResult({ containerId: 'e'.repeat(64) })] };
    expect(failures(run(filters([nft('8088', OWN)]), other, aServer()))).toEqual([]);
  });

  it('does not judge what another program maps', () => {
    expect(run(filters([]), aServer(['cilium-cni']))).toMatchObject([{ result: 'notApplicable' }]);
    const table = { name: 'ip cni_hostport', chains: [] };
    expect(run([{ backend: 'nftables', tables: [table] }])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('says nothing of a pod without a hostPort', () => {
    expect(run(filters([]), aServer(['bridge', 'portmap'], null))).toEqual([]);
  });
});
