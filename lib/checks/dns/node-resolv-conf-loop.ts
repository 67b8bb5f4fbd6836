import { isLoopback, resolvConfs, serversText } from '../../computed/pods/container-resolv-confs.ts';
import { namespacedName } from '../../model/namespaced-name.ts';
import { defineCheck, fail, nodeObject, notApplicable, pass } from '../define.ts';
import { lookOnNode, repair, repairOnNode } from '../remedies/steps.ts';

/** CoreDNS itself has dnsPolicy Default: given 127.0.0.53, it forwards to itself (kubernetes#118461). */
export const nodeResolvConfLoop = defineCheck({
  id: 'node-resolv-conf-loop',
  topic: 'dns',
  severity: 'high',
  title: 'The resolv.conf that the node hands to pods names servers that pods can reach',
  failureTitle: 'Node hands its own loopback nameserver to pods',
  why:
    'A stub such as 127.0.0.53 answers on the node only. In a pod, a loopback address is the pod ' +
    'itself: pods with dnsPolicy Default resolve nothing, and CoreDNS forwards to itself until its loop ' +
    'detection stops it.',
  needs: ['nodeResolvConf', 'podNetworks', 'node'],
  run({ nodeResolvConf, podNetworks, node: nodeInfo }, { node }) {
    const object = nodeObject(node);
    const loops = nodeResolvConf.nameservers.filter(isLoopback);
    if (loops.length === 0) return [pass(object)];
    const handedOut = podNetworks
      .filter(({ pod }) => pod.dnsPolicy === 'Default')
      .flatMap((network) =>
        resolvConfs(network)
          .filter(({ file }) => file.nameservers.length > 0)
          .map(({ file }) => ({ pod: network.pod, file })),
      );
    const proof = handedOut.find(({ file }) => file.nameservers.some((server) => loops.includes(server)));
    if (proof === undefined && handedOut.length > 0) {
      return [
        notApplicable(
          object,
          'pods with dnsPolicy Default got another file: the kubelet uses one we did not see',
        ),
      ];
    }
    // These distributions give their kubelet a separate file if the node's own is a loop.
    if (proof === undefined && /k3s|rke2/.test(nodeInfo.kubeletVersion)) {
      return [notApplicable(object, 'k3s and RKE2 hand out a file of their own in place of a loop')];
    }
    return [
      fail(object, {
        detail: `The kubelet hands out nameserver ${loops.join(', ')} to pods with dnsPolicy Default${
          proof === undefined ? '' : `, as ${namespacedName(proof.pod)} shows`
        }; nobody listens there in a pod.`,
        confidence: proof === undefined ? 'probable' : 'confirmed',
        evidence: [
          {
            what: "nameservers of the kubelet's resolvConf",
            expected: 'servers outside the node, or an address that pods reach',
            actual: serversText(nodeResolvConf),
            source: 'resolvConf of the kubelet (node)',
          },
          ...(proof === undefined
            ? []
            : [
                {
                  what: `nameservers of ${namespacedName(proof.pod)} (dnsPolicy Default)`,
                  actual: serversText(proof.file),
                  source: '/proc/PID/root/etc/resolv.conf',
                },
              ]),
        ],
        remedy: [
          lookOnNode(
            node,
            'find out which servers systemd-resolved really asks; its own file names them.',
            'cat /run/systemd/resolve/resolv.conf',
          ),
          repair(
            'Set resolvConf: /run/systemd/resolve/resolv.conf in the configuration of the kubelet (often ' +
              '/var/lib/kubelet/config.yaml), in the image or the launch template if nodes are replaced.',
          ),
          repairOnNode(
            node,
            'then restart the kubelet; pods get the new file when they are recreated.',
            'systemctl restart kubelet',
          ),
        ],
      }),
    ];
  },
});
