/** What can be wrong inside a pod: packet filters, resolv.conf, processes that left their namespace. */
import type { Fault } from './fault.ts';

const privileged = { securityContext: { privileged: true } };
const hostProc = {
  volumes: [{ name: 'proc', hostPath: { path: '/proc' } }],
};
const mountedProc = { volumeMounts: [{ name: 'proc', mountPath: '/host-proc', readOnly: true }] };

const redirect = `for hook in PREROUTING OUTPUT; do
  iptables-legacy -t nat -N ISTIO_$hook; iptables-legacy -t nat -A ISTIO_$hook -j RETURN; iptables-legacy -t nat -A $hook -j ISTIO_$hook
done`;

export const podContentFaults: readonly Fault[] = [
  {
    id: 'iptables-legacy-drop-all',
    check: 'pod-firewall-blocks-all',
    where: 'pod-network',
    inject: 'iptables-legacy -A INPUT -j DROP; iptables-legacy -A OUTPUT -j DROP',
    shows: ['DROP'],
    repair: 'remedy',
  },
  {
    id: 'iptables-nft-policy-drop',
    check: 'pod-firewall-blocks-all',
    where: 'pod-network',
    inject: 'iptables-nft -P INPUT DROP; iptables-nft -P OUTPUT DROP',
    shows: ['policy drop', 'OUTPUT'],
    repair: 'remedy',
  },
  {
    id: 'nft-drop-one',
    check: 'pod-firewall-unexpected',
    where: 'pod-network',
    inject: `nft add table inet e2e; nft 'add chain inet e2e in { type filter hook input priority 0; policy accept; }'; nft add rule inet e2e in tcp dport 9999 drop`,
    shows: ['9999'],
    repair: 'remedy',
  },
  {
    id: 'iptables-drop-one',
    check: 'pod-firewall-unexpected',
    where: 'pod-network',
    inject: 'iptables-legacy -A INPUT -p tcp --dport 9998 -j DROP',
    shows: ['9998'],
    repair: 'remedy',
  },
  {
    id: 'mesh-rules-gone',
    check: 'mesh-rules-missing',
    pods: 2,
    where: 'pod-network',
    // As Istio's agent leaves pods: both are recorded as enrolled, and one of them no longer has rules.
    annotations: { 'ambient.istio.io/redirection': 'enabled' },
    inject: `nsenter --net="/proc/$OTHER_PID/ns/net" sh -ec '${redirect}'`,
    shows: ['Istio (ambient)', '$OTHER_POD', 'OUTPUT'],
    // There is no mesh on this cluster that would give rules to the recreated pod.
    repair: redirect,
  },
  {
    id: 'resolv-conf-emptied',
    check: 'resolv-conf-missing',
    where: 'node',
    inject: ': > "/proc/$PID/root/etc/resolv.conf"',
    shows: ['resolv.conf'],
    repair: 'remedy',
  },
  {
    id: 'resolv-conf-of-nobody',
    check: 'resolv-conf-unexpected',
    pods: 2,
    where: 'node',
    inject:
      'for pid in "$PID" "$OTHER_PID"; do cp "/proc/$pid/root/etc/resolv.conf" "/run/e2e-resolv-$pid"; echo "nameserver 192.0.2.53" >"/proc/$pid/root/etc/resolv.conf"; done',
    shows: ['192.0.2.53 is the address of no Service'],
    also: [{ check: 'resolv-conf-unexpected', object: { name: '$OTHER_POD' } }],
    // The remedy of one finding is for its own pod.
    repair:
      'for pid in "$PID" "$OTHER_PID"; do cat "/run/e2e-resolv-$pid" >"/proc/$pid/root/etc/resolv.conf"; rm "/run/e2e-resolv-$pid"; done',
  },
  {
    id: 'resolv-conf-without-search',
    check: 'resolv-conf-unexpected',
    where: 'node',
    inject: `file=/proc/$PID/root/etc/resolv.conf; servers=$(grep nameserver "$file"); echo "$servers" >"$file"`,
    shows: ['search domains lack'],
    repair: 'remedy',
  },
  {
    id: 'resolv-conf-loopback',
    check: 'resolv-conf-unexpected',
    where: 'node',
    inject: 'echo "nameserver 127.0.0.53" > "/proc/$PID/root/etc/resolv.conf"',
    shows: ['127.0.0.53'],
    repair: 'remedy',
  },
  {
    id: 'container-in-host-network',
    check: 'pod-in-host-network',
    podSpec: hostProc,
    container: {
      ...privileged,
      ...mountedProc,
      command: ['sh', '-c', 'exec nsenter --net=/host-proc/1/ns/net sleep 86400'],
    },
    where: 'node',
    inject: '[ "$(readlink "/proc/$PID/ns/net")" = "$(readlink /proc/1/ns/net)" ]',
    shows: [],
    // The pod's own command does it: every replacement will do the same.
    repair: ':',
  },
  {
    id: 'container-in-own-network',
    check: 'pod-network-split',
    container: { ...privileged, command: ['sh', '-c', 'exec unshare -n sleep 86400'] },
    where: 'node',
    inject: 'echo "INODE=$(readlink "/proc/$PID/ns/net" | tr -dc 0-9)"',
    shows: ['$INODE'],
    repair: ':',
  },
  {
    id: 'host-network-pod-alone',
    check: 'host-network-pod-isolated',
    podSpec: { hostNetwork: true },
    container: { ...privileged, command: ['sh', '-c', 'exec unshare -n sleep 86400'] },
    where: 'node',
    inject: 'echo "INODE=$(readlink "/proc/$PID/ns/net" | tr -dc 0-9)"',
    shows: ['$INODE'],
    repair: ':',
  },
];
