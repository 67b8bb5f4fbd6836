import { describe, expect, it } from 'vitest';
import { awsRuleDetached } from '../../../lib/checks/aws/aws-rule-detached.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import type { Rule } from '../../../lib/model/network.ts';
import { context, failures } from '../evidence.ts';
import { aRule } from '../ways.ts';
import { aPodOfEni, ruled } from './node.ts';

const config = (type: string): Sources['cniConfig'] => ({
  directory: '/etc/cni/net.d',
  files: [
    {
      name: '10-aws.conflist',
      error: null,
      network: 'aws-cni',
      plugins: [type, 'portmap'],
      ipam: [],
      subnets: [],
      mtu: null,
      bridge: null,
    },
  ],
  binaryDirectory: '/opt/cni/bin',
  binaries: [],
  unusable: [],
});
function run(extra: readonly Rule[], plugin = 'aws-cni') {
  const { host, rules } = aPodOfEni();
  return awsRuleDetached.run(
    { hostNetwork: ruled(host, [...rules, ...extra]), cniConfig: config(plugin) },
    context,
  );
}
const rule = (inputLink: string, detached = true) =>
  aRule({ priority: 10, inputLink, table: '107', detached });

describe('aws-rule-detached', () => {
  it.each<[string, Rule[]]>([
    ['without such rules', []],
    ['with a rule of a link that is there', [rule('eni0a1b2c3d4e5', false)]],
    ['with a rule of a VPN that is down', [rule('wg0')]],
  ])('passes a node %s', (_, extra) => {
    expect(run(extra)).toMatchObject([{ result: 'pass' }]);
  });

  it('finds the rule of a link that is gone, and removes it', () => {
    const [found] = failures(run([rule('vlan0a1b2c3d4e5')]));
    expect(found?.detail).toBe(
      '1 routing rule of links that are not there: 10: from all iif vlan0a1b2c3d4e5 lookup 107.',
    );
    expect(found?.remedy.map(({ command }) => command)).toEqual([
      'ip -4 rule del priority 10 from all iif vlan0a1b2c3d4e5 lookup 107',
    ]);
  });

  it('is not applicable to other plugins', () => {
    expect(run([rule('vlan0a1b2c3d4e5')], 'bridge')).toMatchObject([{ result: 'notApplicable' }]);
  });
});
