import type { DnsService } from '../../model/kubernetes.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, listed } from '../../model/text.ts';
import { defineClusterCheck, fail, type Outcome, pass, unknown } from '../define.ts';
import { command, look, repair } from '../remedies/steps.ts';

const SHOWN = 10;

/**
 * kube-proxy rejects what is sent to a Service without endpoints, and eBPF proxies drop it. The Service and
 * its address stay, so nothing on a node is wrong.
 */
export const clusterDnsUnserved = defineClusterCheck({
  id: 'cluster-dns-unserved',
  topic: 'dns',
  severity: 'critical',
  title: 'Somebody answers at the DNS of the cluster',
  failureTitle: 'Cluster DNS has no ready endpoint',
  why:
    'No name resolves in pods with dnsPolicy ClusterFirst, neither of Services nor of anything outside. ' +
    'Connections to addresses still work, so only what looks up a name fails.',
  run({ dnsServices }) {
    const services = Map.groupBy(dnsServices, namespacedName);
    return [...services].map(([name, given]) => judge(name, given));
  },
});

function judge(service: string, given: readonly (DnsService & { readonly node: string })[]): Outcome {
  const object = { kind: 'cluster', name: service } as const;
  const counts = given.flatMap(({ endpoints }) => endpoints ?? []);
  if (counts.length === 0) return unknown(object, 'endpoints of Services for DNS were not read');
  if (Math.max(...counts) > 0) return pass(object);
  const [{ namespace, name, addresses } = { namespace: '', name: '', addresses: [] }] = given;
  const nodes = given.map(({ node }) => node);
  return fail(object, {
    detail:
      `Nothing answers at the nameserver that pods use: the Service ${service} (${listed(addresses)}) ` +
      `has no ready endpoint. The kubelets of ${counted(nodes.length, 'node')} give it to their pods.`,
    confidence: 'confirmed',
    evidence: [
      {
        what: `ready endpoints of ${service}`,
        expected: '1 or more',
        actual: '0, and none half a minute later',
        source: `API: endpointslices in ${namespace}`,
      },
      {
        what: 'nodes whose pods get it',
        actual: listed(nodes, SHOWN),
        source: 'configuration and flags of the kubelet (nodes)',
      },
    ],
    remedy: [
      look(
        'See which pods the Service selects, and whether there are any.',
        command('kubectl', 'describe', 'service', '-n', namespace, name),
      ),
      look(
        'See why its pods are not ready: none wanted, not scheduled, crashing, or without a network themselves.',
        command('kubectl', 'get', 'deployments,daemonsets,pods', '-n', namespace, '-o', 'wide'),
      ),
      repair('Bring its pods back; where its Deployment was scaled to 0, scale it up again.'),
    ],
  });
}
