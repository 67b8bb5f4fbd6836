import { sameAddress } from '../../computed/cidr.ts';
import { answererOf, dnsAddresses } from '../../computed/pods/cluster-dns.ts';
import { resolvConfs } from '../../computed/pods/container-resolv-confs.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { counted, listed } from '../../model/text.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass, unknown } from '../define.ts';
import { command, look, lookOnNode, podsOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/**
 * After a cluster was rebuilt with other ranges, or a bootstrap was copied, kubelets configure a nameserver
 * address that nobody has.
 */
export const nodeClusterDnsWrong = defineCheck({
  id: 'node-cluster-dns-wrong',
  topic: 'dns',
  severity: 'high',
  title: 'The kubelet gives pods the DNS of the cluster',
  failureTitle: 'Kubelet gives pods a wrong cluster nameserver',
  why:
    'Every pod with dnsPolicy ClusterFirst that starts on the node uses it: names of Services do not ' +
    'resolve, or each lookup waits for a server that never answers. Pods on other nodes are not ' +
    'affected.',
  needs: ['clusterDns', 'hostNetwork', 'podNetworks'],
  run({ clusterDns, hostNetwork, podNetworks }, { node }) {
    const object = nodeObject(node);
    const { kubelet, services } = clusterDns;
    if (kubelet === null) return [notApplicable(object, clusterDns.kubeletUnread ?? 'it was not read')];
    if (services === null) return [unknown(object, clusterDns.servicesUnread ?? 'Services were not read')];
    if (services.length === 0) return [notApplicable(object, 'the cluster has no Service with a port 53')];
    if (kubelet.servers.length === 0)
      return [notApplicable(object, 'no clusterDNS was found in the configuration of the kubelet')];
    const wrong = kubelet.servers.filter(
      (server) => answererOf(server, clusterDns, hostNetwork) === 'nobody',
    );
    if (wrong.length === 0) return [pass(object)];
    const given = podNetworks.filter((network) =>
      resolvConfs(network).some(({ file }) =>
        file.nameservers.some((server) => wrong.some((each) => sameAddress(each, server))),
      ),
    );
    const names = given.map(({ pod }) => namespacedName(pod));
    const expected = dnsAddresses(clusterDns);
    return [
      fail(object, {
        detail:
          `The kubelet gives pods with dnsPolicy ClusterFirst the nameserver ${listed(kubelet.servers)}; ` +
          `${listed(wrong)} belongs to no Service with port 53 and to no link of the node. ` +
          `${counted(given.length, 'running pod')} on the node got it.`,
        confidence: given.length > 0 ? 'confirmed' : 'probable',
        evidence: [
          {
            what: 'clusterDNS of the kubelet',
            expected: listed(expected),
            actual: listed(kubelet.servers),
            source: 'configuration and flags of the kubelet (node); expected: API: services',
          },
          ...(names.length === 0
            ? []
            : [
                {
                  what: 'pods with that nameserver',
                  actual: listed(names),
                  source: '/proc/PID/root/etc/resolv.conf of their containers',
                },
              ]),
        ],
        remedy: [
          lookOnNode(
            node,
            'find out where the kubelet gets it from: a flag takes precedence over the file.',
            'ps -o args= -C kubelet | tr " " "\\n" | grep -E "^--(cluster-dns|config)"; grep -n -A 3 ' +
              'clusterDNS /var/lib/kubelet/config.yaml',
          ),
          repair(
            `Set clusterDNS to ${listed(expected)} there, and in the image, launch template or bootstrap that new nodes come from.`,
          ),
          repairOnNode(node, 'restart the kubelet.', command('systemctl', 'restart', 'kubelet')),
          look(
            'Pods keep the file that they started with: those named above must be recreated: restart their controllers.',
            podsOnNode(node),
          ),
        ],
      }),
    ];
  },
});
