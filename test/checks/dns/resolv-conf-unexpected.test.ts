import { describe, expect, it } from 'vitest';
import { resolvConfUnexpected } from '../../../lib/checks/dns/resolv-conf-unexpected.ts';
import type { PodNetwork, ResolvConf, Sources } from '../../../lib/model/evidence.ts';
import { aClusterDns, aHostStack, aPod, context, failures } from '../evidence.ts';
import { aFile, aPodWith } from './files.ts';

const CLUSTER = aFile('10.96.0.10');

/** Outcome of the first pod; the others are its neighbours on the node. */
function run(
  podNetworks: PodNetwork[],
  nodeResolvConf: ResolvConf = aFile('10.0.0.2'),
  clusterDns: Sources['clusterDns'] = UNREAD,
) {
  const hostNetwork = aHostStack();
  return resolvConfUnexpected
    .run({ podNetworks, nodeResolvConf, clusterDns, hostNetwork }, context)
    .slice(0, 1);
}

/** Neither the Services nor the kubelet's configuration was read. */
const UNREAD = aClusterDns({ services: null, kubelet: null });

const earlier = aPodWith(CLUSTER, { name: 'a' }, '2026-11-18T00:00:00Z');
const later = aPodWith(CLUSTER, { name: 'b' }, '2026-11-20T00:00:00Z');

describe('resolv-conf-unexpected', () => {
  it('passes a pod that asks whom the others of its policy ask', () => {
    expect(run([aPodWith(CLUSTER), earlier, later])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a loopback address in a pod', () => {
    const [found] = failures(run([aPodWith(aFile('127.0.0.53')), earlier, later]));
    expect(found?.detail).toBe('Container main asks 127.0.0.53: nobody listens on 127.0.0.53 in a pod.');
  });

  it('leaves a file alone that a VPN of the pod may have written', () => {
    const containers = aPod().containers.map((one) => ({ ...one, netAdmin: true }));
    expect(run([aPodWith(aFile('127.0.0.53'), { containers }), earlier, later])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('container main') },
    ]);
    const vpns = ['a', 'b'].map((name) => aPodWith(aFile('127.0.0.53'), { name, containers }));
    expect(failures(run([aPodWith(CLUSTER), ...vpns]))).toEqual([]);
  });

  it('finds a pod that alone asks another server, among pods from before and after it', () => {
    const [found] = failures(run([aPodWith(aFile('8.8.8.8')), earlier, later]));
    expect(found?.detail).toBe(
      'Container main asks 8.8.8.8: 2 other pods of the same policy on the node have others.',
    );
    expect(found?.evidence[0]?.expected).toBe('10.96.0.10');
  });

  it('does not judge a pod from before a change of the cluster DNS, unless its file is not that of a cluster', () => {
    const old = '2026-11-01T00:00:00Z';
    expect(run([aPodWith(aFile('10.100.0.10'), {}, old), earlier, later])).toMatchObject([
      { result: 'notApplicable', reason: expect.stringContaining('may have changed') },
    ]);
    const foreign = { ...aFile('8.8.8.8'), searches: [] };
    expect(failures(run([aPodWith(foreign, {}, old), earlier, later]))).toHaveLength(1);
  });

  it('does not judge where too few pods tell what the cluster DNS is', () => {
    expect(run([aPodWith(aFile('8.8.8.8')), earlier])).toMatchObject([{ result: 'notApplicable' }]);
  });

  it('takes the servers that the pod itself asked for', () => {
    const dnsConfig = { nameservers: ['127.0.0.1'], searches: [], options: [] };
    expect(run([aPodWith(aFile('127.0.0.1'), { dnsPolicy: 'None', dnsConfig })])).toMatchObject([
      { result: 'pass' },
    ]);
    const more = aPodWith(aFile('10.96.0.10', '127.0.0.1'), { dnsConfig });
    expect(run([more, earlier, later])).toMatchObject([{ result: 'pass' }]);
  });

  it('finds a pod of dnsPolicy None that has others than it asked for', () => {
    const dnsConfig = { nameservers: ['10.1.1.1'], searches: [], options: [] };
    const [found] = failures(run([aPodWith(aFile('8.8.8.8'), { dnsPolicy: 'None', dnsConfig })]));
    expect(found?.evidence[0]).toMatchObject({ expected: '10.1.1.1', actual: '8.8.8.8' });
  });

  it('leaves the loopback address that the node hands out to node-resolv-conf-loop', () => {
    const pod = aPodWith(aFile('127.0.0.53'), { dnsPolicy: 'Default' });
    expect(run([pod], aFile('127.0.0.53'))).toMatchObject([{ result: 'notApplicable' }]);
    expect(failures(run([pod], aFile('10.0.0.2')))).toHaveLength(1);
    expect(run([aPodWith(aFile('10.0.0.9'), { dnsPolicy: 'Default' })])).toMatchObject([{ result: 'pass' }]);
  });

  it('leaves a pod without nameservers to resolv-conf-missing, and does not know when the file was not read', () => {
    expect(run([aPodWith(aFile())])).toMatchObject([{ result: 'notApplicable' }]);
    expect(run([aPodWith(null)])).toMatchObject([{ result: 'unknown' }]);
  });

  it('is not applicable where the files are inside a sandboxed runtime', () => {
    expect(run([aPodWith(aFile('127.0.0.53'), { runtimeClass: 'gvisor' })])).toMatchObject([
      { result: 'notApplicable' },
    ]);
  });

  describe('where the kubelet or the Services tell what the cluster DNS is', () => {
    const known = (file: ResolvConf, clusterDns = aClusterDns(), others: PodNetwork[] = []) =>
      run([aPodWith(file), ...others], { ...aFile('10.0.0.2'), searches: [] }, clusterDns);
    const nodes = { ...aFile('10.0.0.2'), searches: ['ec2.internal'] };

    it("finds the node's own file in a pod, however many pods have it", () => {
      const [found] = failures(known(nodes, aClusterDns(), [aPodWith(nodes), aPodWith(nodes)]));
      expect(found?.detail).toBe(
        "Container main asks 10.0.0.2: it is the node's own file, which knows no name of the cluster.",
      );
      expect(found).toMatchObject({ confidence: 'confirmed', evidence: [{ expected: '10.96.0.10' }] });
    });

    it.each([
      ['by the Services alone', aClusterDns({ kubelet: null })],
      ["by the kubelet's configuration alone", aClusterDns({ services: null })],
    ])("finds the node's own file %s", (_, clusterDns) => {
      expect(failures(known(nodes, clusterDns))).toHaveLength(1);
    });

    it('finds a nameserver that is nobody’s Service in a single pod', () => {
      const [found] = failures(known(aFile('10.96.0.99')));
      expect(found?.detail).toContain('10.96.0.99 is the address of no Service with a port 53');
    });

    it('finds search domains that lack those of the cluster', () => {
      const [found] = failures(known({ ...aFile('10.96.0.10'), searches: ['example.com'] }));
      expect(found?.detail).toContain('its search domains lack shop.svc.cluster.local');
      expect(found?.evidence[0]).toMatchObject({
        what: 'search domains of container main (dnsPolicy ClusterFirst)',
        actual: 'example.com',
      });
    });

    it.each<[string, ResolvConf, Sources['clusterDns']]>([
      [
        'what a wrong kubelet gives, which is a finding of the node',
        aFile('10.0.9.9'),
        aClusterDns({ kubelet: { servers: ['10.0.9.9'], domain: null } }),
      ],
      [
        'a Service that the kubelet gave before',
        aFile('10.96.0.11'),
        aClusterDns({
          services: [{ namespace: 'kube-system', name: 'dns-old', addresses: ['10.96.0.11'], endpoints: 1 }],
        }),
      ],
      ['a cache on a link of the node', aFile('10.0.3.7'), aClusterDns()],
      [
        'search domains of a domain that was changed',
        { ...aFile('10.96.0.10'), searches: ['shop.svc.old.example'] },
        aClusterDns(),
      ],
      [
        'no search domains where the kubelet has none',
        { ...aFile('10.96.0.10'), searches: [] },
        aClusterDns({ kubelet: { servers: ['10.96.0.10'], domain: null } }),
      ],
    ])('passes %s', (_, file, clusterDns) => {
      expect(known(file, clusterDns)).toMatchObject([{ result: 'pass' }]);
    });

    it('leaves a link-local address alone that something may take elsewhere', () => {
      expect(known(aFile('169.254.20.10'))).toMatchObject([{ result: 'notApplicable' }]);
    });
  });
});
