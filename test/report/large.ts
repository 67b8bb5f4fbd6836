/** A report of a large cluster: nodes as many as told, faults on every so many of them. */
import { topics } from '../../lib/model/finding.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from './sample.ts';

export function aLargeReport(nodes: number, findings: number): ClusterReport {
  const report = aReport({ verdict: 'critical' });
  const [facts] = report.nodes;
  if (facts === undefined) throw new Error('the sample has no node');
  const names = Array.from(
    { length: nodes },
    (_, n) => `ip-10-${n >> 8}-${n & 255}-7.eu-west-1.compute.internal`,
  );
  report.nodes = names.map((node, n) => ({
    ...facts,
    node,
    namespaces: 30 + (n % 50),
    orphans: n % 100 === 0 ? 4 : 0,
  }));
  report.coverage.nodes = names.map((node, n) =>
    n % 500 === 499
      ? {
          node,
          result: 'failed',
          reason: 'the kubelet did not answer in 120 s',
          remedy: 'Look at the kubelet.',
        }
      : { node, result: 'audited', reason: null, remedy: null },
  );
  const severities = ['critical', 'high', 'medium', 'low'] as const;
  report.findings = Array.from({ length: findings }, (_, n) => {
    const node = names[(n * 7) % nodes] ?? '';
    const pod = `checkout-7d4b9c6f5-${n.toString(36).padStart(5, 'x')}`;
    return aFinding({
      fingerprint: n.toString(16).padStart(32, '0'),
      severity: severities[Math.floor((n * 4) / findings)] ?? 'low',
      topic: topics[n % 12] ?? 'veth',
      state: n % 9 === 0 ? 'new' : 'open',
      object: { kind: 'pod', namespace: 'shop', name: pod, node },
      evidence: [
        {
          what: 'interfaces in the namespace',
          expected: 'eth0',
          actual: 'lo',
          source: 'ip link (netns 4026532400)',
        },
        { what: 'address of the pod', actual: '10.244.1.36', source: 'API: pod.status.podIPs' },
      ],
      remedy: [
        {
          purpose: 'repair',
          text: 'Delete the pod; its ReplicaSet makes a new one.',
          command: `kubectl delete pod -n shop ${pod}`,
        },
      ],
    });
  });
  return report;
}
