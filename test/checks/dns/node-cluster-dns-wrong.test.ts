import { describe, expect, it } from 'vitest';
import { nodeClusterDnsWrong } from '../../../lib/checks/dns/node-cluster-dns-wrong.ts';
import type { PodNetwork, Sources } from '../../../lib/model/evidence.ts';
import { aClusterDns, aHostStack, context, failures } from '../evidence.ts';
import { aFile, aPodWith } from './files.ts';

const stale = { servers: ['10.100.0.10'], domain: 'cluster.local' };

function run(changes: Partial<Sources['clusterDns']> = {}, podNetworks: PodNetwork[] = []) {
  return nodeClusterDnsWrong.run(
    { clusterDns: aClusterDns(changes), hostNetwork: aHostStack(), podNetworks },
    context,
  );
}

describe('node-cluster-dns-wrong', () => {
  it('passes a kubelet that gives the address of a Service for DNS', () => {
    expect(run()).toMatchObject([{ result: 'pass', object: { kind: 'node', name: 'node-1' } }]);
  });

  it('passes one that gives a cache on the node, or a link-local address that something may take elsewhere', () => {
    for (const server of ['10.0.3.7', '169.254.20.10'])
      expect(run({ kubelet: { servers: [server], domain: null } })).toMatchObject([{ result: 'pass' }]);
  });

  it('is one finding of the node, however many pods got the address', () => {
    const pods = ['a', 'b', 'c'].map((name) => aPodWith(aFile('10.100.0.10'), { name }));
    const [found, ...more] = failures(run({ kubelet: stale }, [...pods, aPodWith(aFile('10.96.0.10'))]));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ confidence: 'confirmed', object: { kind: 'node' } });
    expect(found?.detail).toContain('10.100.0.10 belongs to no Service');
    expect(found?.detail).toContain('3 running pods on the node got it');
    expect(found?.evidence[0]).toMatchObject({
      expected: '10.96.0.10 (kube-system/kube-dns)',
      actual: '10.100.0.10',
    });
    expect(found?.remedy.map(({ command }) => command)).toContain('systemctl restart kubelet');
  });

  it('finds the setting before any pod got it', () => {
    expect(failures(run({ kubelet: stale }))).toMatchObject([{ confidence: 'probable' }]);
  });

  it('finds one wrong server of two: look-ups that ask it wait', () => {
    const kubelet = { servers: ['10.96.0.10', '10.100.0.10'], domain: null };
    expect(failures(run({ kubelet }))[0]?.detail).toContain('10.100.0.10 belongs to no Service');
  });

  it('does not know without the right to list Services', () => {
    expect(run({ services: null, servicesUnread: 'not allowed to list services' })).toMatchObject([
      { result: 'unknown', reason: 'not allowed to list services' },
    ]);
  });

  it.each<[string, Partial<Sources['clusterDns']>]>([
    ['a cluster without a Service for DNS', { services: [], kubelet: stale }],
    ['a kubelet whose configuration was not read', { kubelet: null, kubeletUnread: 'no process' }],
    ['a kubelet without the setting', { kubelet: { servers: [], domain: null } }],
  ])('does not judge %s', (_, changes) => {
    expect(run(changes)).toMatchObject([{ result: 'notApplicable' }]);
  });
});
