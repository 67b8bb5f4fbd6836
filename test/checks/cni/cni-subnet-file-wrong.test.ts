import { describe, expect, it } from 'vitest';
import { cniSubnetFileWrong } from '../../../lib/checks/cni/cni-subnet-file-wrong.ts';
import type { Sources } from '../../../lib/model/evidence.ts';
import { parseCniConfig } from '../../../lib/probe/parse/cni.ts';
import { aHost, context, failures } from '../evidence.ts';
import { aCniConfig, aCniConfigFile, aNode } from './evidence.ts';

const WHOLE = [
  'FLANNEL_NETWORK=10.244.0.0/16',
  'FLANNEL_SUBNET=10.244.1.1/24',
  'FLANNEL_MTU=1450',
  'FLANNEL_IPMASQ=true',
];
const asRead = (...lines: string[]) => parseCniConfig('', '', '', '', [...lines, ''].join('\n')).subnetFile;
const marked = { 'flannel.alpha.coreos.com/backend-type': 'vxlan' };

function run(
  subnetFile: Sources['cniConfig']['subnetFile'],
  {
    file = {},
    node = { annotations: marked },
    uptime = 864_000,
    settle = 300,
  }: {
    file?: Partial<Sources['cniConfig']['files'][number]>;
    node?: Partial<Sources['node']>;
    uptime?: number;
    settle?: number;
  } = {},
) {
  const config = aCniConfigFile({ plugins: ['flannel', 'portmap'], ipam: [], subnets: [], ...file });
  return cniSubnetFileWrong.run(
    {
      cniConfig: aCniConfig({ files: [config], ...(subnetFile === undefined ? {} : { subnetFile }) }),
      node: aNode(node),
      host: aHost({ uptimeSeconds: uptime }),
    },
    { ...context, settleSeconds: { pod: settle, orphan: 900 } },
  );
}

describe('cni-subnet-file-wrong', () => {
  it.each<[string, ReturnType<typeof run>]>([
    ['as the agent writes it', run(asRead('found', ...WHOLE))],
    [
      'of IPv6 alone',
      run(
        asRead(
          ...['found', 'FLANNEL_IPV6_NETWORK=fd00:10:244::/56', 'FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64'],
          ...['FLANNEL_MTU=1450', 'FLANNEL_IPMASQ=true'],
        ),
      ),
    ],
    [
      'whose subnet the agent did not take from the API',
      run(asRead('found', ...WHOLE), { node: { annotations: {}, podCIDRs: ['10.9.0.0/24'] } }),
    ],
    [
      'of a node with a range of each family',
      run(asRead('found', ...WHOLE), {
        node: { annotations: marked, podCIDRs: ['fd00:10:244:1::/64', '10.244.1.0/24'] },
      }),
    ],
  ])('passes a file %s', (_, outcomes) => {
    expect(outcomes).toMatchObject([{ result: 'pass' }]);
  });

  it('finds that it is gone, and restarts the agent, which writes it', () => {
    const [found] = failures(run(asRead('missing')));
    expect(found?.detail).toBe('/run/flannel/subnet.env does not exist.');
    expect(found?.remedy.at(-1)?.command).toBe(
      'kubectl delete pod -n kube-flannel -l app=flannel --field-selector spec.nodeName=node-1',
    );
    expect(found?.repair).toMatchObject({ kind: 'restart-agent', selector: 'app=flannel' });
  });

  it('finds one that was written half', () => {
    expect(failures(run(asRead('found', ...WHOLE.slice(0, 1))))[0]?.detail).toBe(
      '/run/flannel/subnet.env lacks FLANNEL_SUBNET or FLANNEL_IPV6_SUBNET, FLANNEL_MTU, FLANNEL_IPMASQ.',
    );
    expect(failures(run(asRead('found')))).toHaveLength(1);
  });

  it('finds one with the subnet of another node', () => {
    const other = WHOLE.map((line) => line.replace('10.244.1.1/24', '10.244.9.1/24'));
    expect(failures(run(asRead('found', ...other)))[0]?.detail).toBe(
      '/run/flannel/subnet.env gives pods of the node addresses of 10.244.9.1/24, and the node has 10.244.1.0/24 in the API.',
    );
  });

  it.each<[string, ReturnType<typeof run>]>([
    ['where flannel is not the plugin', run(asRead('missing'), { file: { plugins: ['bridge'] } })],
    ['where the plugin reads another file', run(asRead('missing'), { file: { subnetFile: '/run/own.env' } })],
    ['that an older probe did not read', run(undefined)],
    ['of a node that has just booted', run(asRead('missing'), { uptime: 100 })],
  ])('does not judge one %s', (_, outcomes) => {
    expect(outcomes).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('judges that of a node that has just booted where nothing is given time to settle', () => {
    expect(failures(run(asRead('missing'), { uptime: 100, settle: 0 }))).toHaveLength(1);
  });
});
