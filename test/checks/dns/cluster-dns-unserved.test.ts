import { describe, expect, it } from 'vitest';
import { clusterDnsUnserved } from '../../../lib/checks/dns/cluster-dns-unserved.ts';
import { clusterSources } from '../cluster-sources.ts';

const given = (node: string, endpoints: number | null, name = 'kube-dns') => ({
  node,
  namespace: 'kube-system',
  name,
  addresses: ['10.96.0.10'],
  endpoints,
});
const judge = (...dnsServices: ReturnType<typeof given>[]) =>
  clusterDnsUnserved.run(clusterSources({ dnsServices }), {
    now: 0,
    settleSeconds: { pod: 300, orphan: 900 },
  });

describe('cluster-dns-unserved', () => {
  it('passes a DNS that has an endpoint', () => {
    expect(judge(given('node-1', 2), given('node-2', 2))).toMatchObject([{ result: 'pass' }]);
  });

  it('is one finding of the cluster, with the nodes whose pods ask there', () => {
    const [outcome, ...others] = judge(given('node-1', 0), given('node-2', 0));
    expect(others).toEqual([]);
    expect(outcome).toMatchObject({
      result: 'fail',
      object: { kind: 'cluster', name: 'kube-system/kube-dns' },
      detail: expect.stringMatching(
        /kube-system\/kube-dns \(10\.96\.0\.10\) has no ready endpoint.* 2 nodes/,
      ),
    });
    expect(JSON.stringify(outcome)).toContain('kubectl describe service -n kube-system kube-dns');
  });

  it('judges each Service by itself, as a node may name a second nameserver', () => {
    const outcomes = judge(given('node-1', 0), given('node-1', 1, 'other'));
    expect(outcomes.map(({ result }) => result)).toEqual(['fail', 'pass']);
  });

  it('is unknown where endpoints may not be listed, and says nothing where no kubelet names a Service', () => {
    expect(judge(given('node-1', null))).toMatchObject([{ result: 'unknown' }]);
    expect(judge()).toEqual([]);
  });
});
