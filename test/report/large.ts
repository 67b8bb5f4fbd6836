/** A report of a large cluster with the given number of nodes and several causes, each on every nth node. */
import type { Finding } from '../../lib/model/finding.ts';
import type { ClusterReport } from '../../lib/model/report.ts';
import { aFinding, aReport } from './sample.ts';

/** Its faults, worst first, each with its number of findings. */
const causes: readonly Pick<Finding, 'check' | 'topic' | 'severity' | 'title' | 'detail'>[] = [
  {
    check: 'pod-interface-missing',
    topic: 'interfaces',
    severity: 'critical',
    title: 'Pod has no network interface',
    detail: 'No interface eth0, only lo; Kubernetes still shows 10.244.1.36.',
  },
  {
    check: 'veth-bridge-detached',
    topic: 'veth',
    severity: 'high',
    title: 'The pod’s link is not on its bridge',
    detail: 'veth3f2a9c01 is up, but on no bridge; the others of the node are on cni0.',
  },
  {
    check: 'host-route-missing',
    topic: 'routes',
    severity: 'high',
    title: 'The node has no route to a pod of its own',
    detail: 'No route to 10.244.1.36/32 by way of eni1a2b3c4d5e6 in the main table.',
  },
  {
    check: 'pod-address-mismatch',
    topic: 'addresses',
    severity: 'medium',
    title: 'The pod’s address is not the one in the API',
    detail: 'eth0 has 10.244.1.37, the API shows 10.244.1.36.',
  },
  {
    check: 'pod-resolv-conf-wrong',
    topic: 'dns',
    severity: 'medium',
    title: 'The pod asks a name server that nobody runs',
    detail: 'resolv.conf names 10.96.0.99; the cluster has 10.96.0.10.',
  },
  {
    check: 'veth-mtu-mismatch',
    topic: 'veth',
    severity: 'low',
    title: 'The two ends of a pod’s link differ in MTU',
    detail: 'eth0 has 9001, veth3f2a9c01 1500.',
  },
];

/** Five letters, the suffix of Kubernetes' pod names. */
function randomName(n: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from(
    { length: 5 },
    (_, at) => letters[Math.floor(n / letters.length ** at) % letters.length],
  ).join('');
}

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
    zone: `eu-west-1${'abc'[n % 3]}`,
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
  report.findings = Array.from({ length: findings }, (_, n) => {
    const node = names[(n * 7) % nodes] ?? '';
    const pod = `checkout-7d4b9c6f5-${randomName(n)}`;
    return aFinding({
      fingerprint: n.toString(16).padStart(32, '0'),
      ...causes[Math.floor((n * causes.length) / findings)],
      firstSeen: new Date(Date.parse(report.startedAt) - (n % 40) * 86_400_000).toISOString(),
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
