import { describe, expect, it } from 'vitest';
import { awsEniTableIncomplete } from '../../../lib/checks/aws/aws-eni-table-incomplete.ts';
import type { NetworkStack, Route } from '../../../lib/model/network.ts';
import { aRoute, context, failures } from '../evidence.ts';
import { aBridgePod } from '../layouts.ts';
import { aPodOfEni, ruled } from './node.ts';

function run(change: (host: NetworkStack) => NetworkStack = (host) => host, table: number | null = 2) {
  const { network, host, rules } = aPodOfEni(table);
  return awsEniTableIncomplete.run(
    { podNetworks: [network], hostNetwork: change(ruled(host, rules)) },
    context,
  );
}
const withoutTable = (host: NetworkStack): NetworkStack => ({
  ...host,
  routes: host.routes.filter(({ table }) => table !== '2'),
});

describe('aws-eni-table-incomplete', () => {
  it.each([2, 254, null])('passes a healthy node with a pod of table %s', (table) => {
    expect(run(undefined, table)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds an empty table, names the pods, and makes the routes again', () => {
    const [found] = failures(run(withoutTable));
    expect(found?.severity ?? awsEniTableIncomplete.severity).toBe('critical');
    expect(found?.detail).toBe(
      'Table 2, that of eth1, has no default route: what 1 pod (shop/web-1) sends leaves by the wrong ENI. One-way: what is sent to it still arrives.',
    );
    expect(found?.remedy.at(-1)?.command).toBe(
      'ip route replace 10.0.3.1/32 scope link dev eth1 table 2 && ip route replace default via 10.0.3.1 dev eth1 table 2',
    );
  });

  it('finds that of an ENI that no pod uses yet', () => {
    expect(failures(run(withoutTable, 254))[0]).toMatchObject({
      detail: 'Table 2, that of eth1, has no default route; no pod uses it yet.',
      severity: 'high',
    });
  });

  const defaultBy = (changes: Partial<Route>) => (host: NetworkStack) => ({
    ...host,
    routes: host.routes.map((route) =>
      route.table === '2' && route.destination === '0.0.0.0/0' ? { ...route, ...changes } : route,
    ),
  });

  it('finds a default route over an address that is not the router of the subnet', () => {
    const [found] = failures(run(defaultBy({ gateway: '10.0.3.77' })));
    expect(found?.detail).toBe(
      'Table 2, that of eth1, has its default route by 10.0.3.77, and not by the router 10.0.3.1: what 1 pod (shop/web-1) sends reaches nobody outside the node. One-way: what is sent to it still arrives.',
    );
    expect(found?.evidence[0]).toMatchObject({
      expected: 'default via 10.0.3.1 dev eth1',
      actual: 'default via 10.0.3.77 dev eth1',
    });
    expect(found?.remedy.at(-1)?.command).toContain('ip route replace default via 10.0.3.1 dev eth1 table 2');
  });

  it('finds one by another ENI', () => {
    expect(failures(run(defaultBy({ link: 'eth0' })))[0]?.detail).toContain(
      'has its default route by eth0: what 1 pod (shop/web-1) sends leaves by the wrong ENI.',
    );
  });

  it.each<[string, (host: NetworkStack) => NetworkStack]>([
    [
      'that the node itself uses',
      (host) => ({
        ...defaultBy({ gateway: '10.0.3.77' })(host),
        routes: [
          ...defaultBy({ gateway: '10.0.3.77' })(host).routes,
          aRoute({ gateway: '10.0.3.77', link: 'eth0' }),
        ],
      }),
    ],
    [
      'of a subnet that the address does not tell',
      (host) => ({
        ...defaultBy({ gateway: '10.0.3.77' })(host),
        addresses: host.addresses.map((each) =>
          each.link === 'eth1' ? { ...each, prefixLength: 32 } : each,
        ),
      }),
    ],
    ['that is not named', defaultBy({ gateway: null })],
  ])('takes a router as right %s', (_, change) => {
    expect(run(change)).toMatchObject([{ result: 'pass' }]);
  });

  it('sets a link up again, as its routes went with it', () => {
    const [found] = failures(
      run((host) => ({
        ...host,
        links: host.links.map((link) => (link.name === 'eth1' ? { ...link, up: false } : link)),
      })),
    );
    expect(found?.detail).toContain('eth1, which is down,');
    expect(found?.remedy.map(({ command }) => command)).toContain('ip link set eth1 up');
  });

  it("has ipamd set up what cannot be told, where the ENI's own rule is gone as well", () => {
    const [found] = failures(
      run((host) => ({
        ...withoutTable(host),
        rules: host.rules.filter(({ priority }) => priority !== 32765),
      })),
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      expect.stringContaining('k8s-app=aws-node'),
    ]);
  });

  it('is not applicable to other plugins', () => {
    const { network, host } = aBridgePod();
    expect(awsEniTableIncomplete.run({ podNetworks: [network], hostNetwork: host }, context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });
});
