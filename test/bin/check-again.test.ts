import { describe, expect, it } from 'vitest';
import { checkAgain, remediateAgain } from '../../bin/check-again.ts';
import { DEFAULT_IMAGE, DEFAULT_NAMESPACE } from '../../lib/model/own-pods.ts';
import { aFinding } from '../report/sample.ts';

const cluster = { target: { kind: 'kubeconfig' }, kubectl: ['--context', "prod's"] } as const;
const options = { active: [], probeNamespace: DEFAULT_NAMESPACE, image: DEFAULT_IMAGE };
const on = (node: string, check = 'pod-interface-missing') =>
  aFinding({
    fingerprint: `${check} ${node}`,
    check,
    object: { kind: 'pod', namespace: 'shop', name: 'web-0', node },
  });

const own = {
  active: ['ping', 'dns'],
  probeNamespace: 'probes',
  image: 'mirror.example/netshoot:v0.16',
  pullSecret: 'mirror',
  privileged: true,
  store: 's3://audits',
  exceptions: 'known.yaml',
} as const;
const eks = {
  kind: 'eks',
  name: 'prod',
  region: 'eu-west-1',
  roleArn: 'arn:aws:iam::1:role/reader',
} as const;

describe('the options of a repair that an audit names', () => {
  it('are those that it takes of the audit, beside its store: the cluster, the pods and the exceptions', () => {
    expect(remediateAgain({ target: eks }, own)).toEqual([
      ...['--eks', 'prod', '--region', 'eu-west-1', '--role-arn', 'arn:aws:iam::1:role/reader'],
      ...['--probe-namespace', 'probes', '--image', 'mirror.example/netshoot:v0.16'],
      ...['--pull-secret', 'mirror', '--exceptions', 'known.yaml'],
    ]);
    expect(remediateAgain(cluster, options)).toEqual(['--context', "prod's"]);
  });
});

describe('the command that checks a repair', () => {
  it('audits the nodes with findings of the same cluster, new pods too', () => {
    expect(
      checkAgain(
        { findings: [on('node-1'), on('node-2'), on('node-1', 'pod-loopback-down')] },
        cluster,
        options,
      ),
    ).toBe("netns-audit audit --context 'prod'\\''s' --nodes node-1,node-2 --settle 0s");
  });

  it('takes over how the audit was made: its pods, packets, exceptions and store', () => {
    expect(checkAgain({ findings: [on('node-1')] }, { target: eks }, own)).toBe(
      'netns-audit audit --eks prod --region eu-west-1 --role-arn arn:aws:iam::1:role/reader --nodes node-1 --settle 0s --active ping,dns --probe-namespace probes --image mirror.example/netshoot:v0.16 --pull-secret mirror --store s3://audits --exceptions known.yaml --privileged',
    );
  });

  it.each([
    ['nothing was found', []],
    ['nothing that was found counts', [aFinding({ state: 'pending' })]],
    ['more than three nodes have findings', ['a', 'b', 'c', 'd'].map((node) => on(node))],
    [
      'a check compares nodes, which an audit of some cannot',
      [on('node-1'), on('node-1', 'route-to-node-missing')],
    ],
    ['a finding is of the cluster', [aFinding({ object: { kind: 'cluster', name: 'prod' } })]],
  ])('is not there where %s', (_, findings) => {
    expect(checkAgain({ findings }, cluster, options)).toBeNull();
  });
});
