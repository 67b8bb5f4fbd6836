import { describe, expect, it } from 'vitest';
import { awsEniTableIncomplete } from '../../../lib/checks/aws/aws-eni-table-incomplete.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { context, failures } from '../evidence.ts';
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
