import { describe, expect, it } from 'vitest';
import { awsVlanMissing } from '../../../lib/checks/aws/aws-vlan-missing.ts';
import type { NetworkStack } from '../../../lib/model/network.ts';
import { aLink, aPod, aRoute, context, failures } from '../evidence.ts';
import { aRule, withRules } from '../ways.ts';
import { aPodOfEni, POD } from './node.ts';

const LINK = 'vlan0a1b2c3d4e5';

function aBranchPod() {
  const { network, host } = aPodOfEni(null);
  const hostLink = network.hostLink && { ...network.hostLink, name: LINK };
  const annotations = { 'vpc.amazonaws.com/pod-eni': '[{"eniId":"eni-1","vlanId":7}]' };
  const table = (inputLink: string) => aRule({ priority: 10, inputLink, table: '107' });
  return {
    network: { ...network, hostLink, pod: aPod({ podIPs: [POD], annotations }) },
    host: withRules(
      {
        ...host,
        links: [...host.links, aLink({ index: 30, name: 'vlan.eth.7', kind: 'vlan', peer: null })],
        routes: [
          ...host.routes,
          aRoute({ gateway: '10.0.3.1', link: 'vlan.eth.7', table: '107' }),
          aRoute({ destination: `${POD}/32`, gateway: null, link: LINK, table: '107' }),
        ],
      },
      table(LINK),
      table('vlan.eth.7'),
    ),
  };
}
function run(change: (host: NetworkStack) => Partial<NetworkStack>, annotated = true) {
  const { network, host } = aBranchPod();
  const pod = annotated ? network.pod : { ...network.pod, annotations: {} };
  return awsVlanMissing.run(
    { podNetworks: [{ ...network, pod }], hostNetwork: { ...host, ...change(host) } },
    context,
  );
}

describe('aws-vlan-missing', () => {
  it.each([true, false])('passes a healthy pod on a branch ENI (annotated: %s)', (annotated) => {
    expect(run(() => ({}), annotated)).toMatchObject([{ result: 'pass' }]);
  });

  it.each<[string, (host: NetworkStack) => Partial<NetworkStack>]>([
    ['the link vlan.eth.7', ({ links }) => ({ links: links.filter(({ name }) => name !== 'vlan.eth.7') })],
    [`the rule for ${LINK}`, ({ rules }) => ({ rules: rules.filter(({ inputLink }) => inputLink !== LINK) })],
    [
      'the rule for vlan.eth.7',
      ({ rules }) => ({ rules: rules.filter(({ inputLink }) => inputLink !== 'vlan.eth.7') }),
    ],
    [
      'the default route of table 107',
      ({ routes }) => ({ routes: routes.filter(({ link }) => link !== 'vlan.eth.7') }),
    ],
    [
      'the route to 10.0.3.99 in table 107',
      ({ routes }) => ({ routes: routes.filter(({ link }) => link !== LINK) }),
    ],
  ])('finds that %s is missing', (what, change) => {
    const [found] = failures(run(change));
    expect(found?.detail).toBe(`The branch ENI of the pod (VLAN 7) lacks ${what}.`);
    expect(found?.remedy[0]?.command).toContain('kubectl delete pod');
  });

  it('says so where nothing names the VLAN, and does not judge pods of shared ENIs', () => {
    expect(run(() => ({ rules: [] }), false)).toMatchObject([{ result: 'notApplicable' }]);
    const { network, host } = aPodOfEni();
    expect(awsVlanMissing.run({ podNetworks: [network], hostNetwork: host }, context)).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });
});
