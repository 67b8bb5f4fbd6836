import { resolvConfs, unreadContainers } from '../../computed/pods/container-resolv-confs.ts';
import { networkElsewhere } from '../../computed/preconditions.ts';
import { definePodCheck } from '../define-pod-check.ts';
import { recreatePod } from '../remedies/steps.ts';

/** From the base document: `DNS resolution fails with "no such file or directory"`. */
export const resolvConfMissing = definePodCheck({
  id: 'resolv-conf-missing',
  topic: 'dns',
  severity: 'high',
  title: 'The containers of the pod have a resolv.conf with a nameserver',
  failureTitle: 'Container has no resolv.conf, or an empty one',
  why:
    'Without nameservers the C library asks 127.0.0.1, where nothing answers in a pod: no name ' +
    'resolves, neither of Services nor on the internet, while the network itself works.',
  needs: ['podNetworks'],
  unless: [networkElsewhere],
  judge(network) {
    const read = resolvConfs(network);
    const bad = read.filter(({ file }) => !file.exists || file.nameservers.length === 0);
    if (bad.length === 0) {
      const unread = unreadContainers(network);
      if (unread.length > 0) return { unknown: `resolv.conf of ${unread.join(', ')} could not be read` };
      return read.length > 0 ? 'pass' : 'no container of the pod is running';
    }
    // Here the kubelet passes on the node's own file, which may be empty by design.
    if (network.pod.dnsPolicy === 'Default' && bad.every(({ file }) => file.exists)) {
      return 'dnsPolicy Default: the node has no nameserver to hand out';
    }
    return {
      detail: bad
        .map(({ container, file }) =>
          file.exists
            ? `/etc/resolv.conf of container ${container} names no nameserver.`
            : `Container ${container} has no /etc/resolv.conf.`,
        )
        .join(' '),
      confidence: 'probable',
      evidence: bad.map(({ container, file }) => ({
        what: `/etc/resolv.conf of container ${container}`,
        expected: `nameservers as of dnsPolicy ${network.pod.dnsPolicy}`,
        actual: file.exists ? 'no nameserver' : 'no such file',
        source: `/proc/PID/root/etc/resolv.conf of container ${container}`,
      })),
      remedy: recreatePod(network.pod),
    };
  },
});
