/** Faults of a node's kernel settings, and of programs on its links. */
import { type Fault, inInjector, isAws, isBridge, isCilium, isForwardedByKernel } from './fault.ts';

export const nodeFaults: readonly Fault[] = [
  {
    id: 'forwarding-off',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'echo 0 > /proc/sys/net/ipv4/ip_forward',
    shows: ['net.ipv4.ip_forward', '0'],
    repair: 'remedy',
    cleanup: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
  },
  {
    id: 'uplink-forwarding-off',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'uplink=$(ip route show default | sed "s/.* dev \\([^ ]*\\).*/\\1/;q"); echo "UPLINK=$uplink"; echo 0 > /proc/sys/net/ipv4/conf/$uplink/forwarding',
    shows: ['net.ipv4.conf.$UPLINK.forwarding', '0'],
    repair: 'remedy',
    cleanup: 'echo 1 > /proc/sys/net/ipv4/conf/$UPLINK/forwarding',
  },
  {
    id: 'link-forwarding-off',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'echo 0 > /proc/sys/net/ipv4/conf/$HOST_LINK/forwarding',
    shows: ['net.ipv4.conf.$HOST_LINK.forwarding', '0'],
    repair: 'remedy',
    cleanup: 'echo 1 > /proc/sys/net/ipv4/conf/$HOST_LINK/forwarding',
    // Ports of a bridge forward by its setting.
    when: (platform) => !isBridge(platform),
  },
  {
    id: 'uplink-filters-strictly',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'uplink=$(ip route show default | sed "s/.* dev \\([^ ]*\\).*/\\1/;q"); echo "UPLINK=$uplink"; echo 1 > /proc/sys/net/ipv4/conf/$uplink/rp_filter',
    shows: ['net.ipv4.conf.$UPLINK.rp_filter', '2'],
    repair: 'remedy',
    cleanup: 'echo 2 > /proc/sys/net/ipv4/conf/$UPLINK/rp_filter',
    when: isAws,
  },
  {
    id: 'loopback-of-node-down',
    check: 'node-loopback-down',
    alone: true,
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'cluster',
    // Without it nobody gets into a container (the runtime's server for that listens there): it comes back by itself.
    inject: `${inInjector('-', 'setsid sh -c "sleep 2; ip link set lo down; sleep 60; ip link set lo up" >/dev/null 2>&1 </dev/null &')}
sleep 3`,
    shows: ['lo of the node is down', 'ip link set lo up'],
    repair: `for i in $(seq 90); do kubectl exec -n "$POD_NAMESPACE" "$(kubectl get pods -n "$POD_NAMESPACE" -l app=injector --field-selector "spec.nodeName=$NODE" -o name)" -- true 2>/dev/null && break; sleep 1; done`,
  },
  {
    id: 'arp-of-node-ignored',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'echo 8 > /proc/sys/net/ipv4/conf/all/arp_ignore',
    shows: ['net.ipv4.conf.all.arp_ignore', '8'],
    repair: 'remedy',
    cleanup: 'echo 0 > /proc/sys/net/ipv4/conf/all/arp_ignore',
    // Those of AWS and Calico have no gateway for whose address the node would be asked.
    when: ({ plugin }) => ['bridge', 'ptp', 'flannel'].includes(plugin),
  },
  {
    id: 'link-without-arp',
    check: 'node-forwarding-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `link=$(ip route get "$IP" | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p"); echo "LINK=$link"; ip link set "$link" arp off`,
    shows: ['ARP on $LINK', 'off'],
    repair: 'remedy',
    cleanup: 'ip link set "$LINK" arp on 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'uplink-mtu-lowered',
    check: 'node-mtu-too-small',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    // All of them: of several the widest counts. Not by more, as what the API server sends would not get in where its end has the
    // former MTU.
    inject: `uplink=$(ip -j route show default | jq -r '.[0].dev'); links="$uplink $(ip -j link | jq -r '.[].ifname' | grep -E '^(eth|ens)' | grep -vx "$uplink" | tr '\\n' ' ')"
mtu=$(cat /sys/class/net/$uplink/mtu); lower=$((mtu - 200)); echo "LINKS=$links"; echo "MTU=$mtu"; echo "LOWER=$lower"; for link in $links; do ip link set "$link" mtu $lower; done`,
    shows: ['MTU $LOWER', '$POD'],
    repair: 'remedy',
    cleanup: 'for link in $LINKS; do ip link set "$link" mtu "$MTU"; done',
    // Cilium's agent follows the uplink: new pods get what it takes.
    when: (platform) => !isCilium(platform),
  },
  {
    id: 'tunnel-mtu-lowered',
    check: 'node-mtu-too-small',
    alone: true,
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `tunnel=$(ip -j -d link show type vxlan | jq -r '.[0].ifname'); mtu=$(cat /sys/class/net/$tunnel/mtu); lower=$((mtu - 200))
echo "TUNNEL=$tunnel"; echo "MTU=$mtu"; echo "LOWER=$lower"; ip link set "$tunnel" mtu $lower`,
    shows: ['tunnel $TUNNEL has MTU $LOWER', '$POD'],
    repair: 'remedy',
    cleanup: 'ip link set "$TUNNEL" mtu "$MTU"',
    // Calico's agent sets it again every ten seconds.
    when: (platform) => platform.plugin === 'flannel' || isCilium(platform),
  },
  {
    id: 'filter-drops-what-pod-sends',
    check: 'link-program-unexpected',
    // The injector's tc is busybox's.
    where: 'node',
    inject: `tc qdisc add dev "$HOST_LINK" clsact; tc filter add dev "$HOST_LINK" ingress prio 1 bpf da bytecode '1,6 0 0 2,'`,
    shows: ['$HOST_LINK', 'classic BPF', 'drops all'],
    repair: 'remedy',
    when: isForwardedByKernel,
  },
  {
    id: 'queue-of-pod-starves',
    check: 'link-program-unexpected',
    where: 'node',
    inject: 'tc qdisc add dev "$HOST_LINK" root tbf rate 1kbit burst 1540 latency 50ms',
    shows: ['$HOST_LINK', 'tbf'],
    repair: 'remedy',
  },
  {
    id: 'queue-of-uplink-loses',
    // A class to which nothing is sent: the cluster goes on.
    check: 'node-link-program-unexpected',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'uplink=$(ip route show default | sed "s/.* dev \\([^ ]*\\).*/\\1/;q"); echo "UPLINK=$uplink"; tc qdisc add dev "$uplink" root handle 1: htb; tc class add dev "$uplink" parent 1: classid 1:99 htb rate 1mbit; tc qdisc add dev "$uplink" parent 1:99 blackhole',
    shows: ['blackhole', '$UPLINK'],
    repair: 'remedy',
    cleanup: 'tc qdisc del dev "$UPLINK" root 2>/dev/null || :',
  },
  {
    id: 'xdp-drops-what-pod-sends',
    check: 'link-program-unexpected',
    where: 'node-network',
    // XDP_DROP through bpf(2), as ip(8) loads only object files: BPF_PROG_LOAD 5; RTM_SETLINK 19 with
    // IFLA_XDP 43.
    inject: `perl -e '
my ($code, $licence) = (pack("CCslCCsl", 0xb7, 0, 0, 1, 0x95, 0, 0, 0), "GPL");
my $given = pack("LLQQx24a16x64", 6, 2, unpack("Q", pack "p", $code), unpack("Q", pack "p", $licence), "e2e_drop");
my $program = syscall $ARGV[0], 5, $given, length $given;
my $xdp = pack "SSlSSL", 8, 1, $program, 8, 3, 2;
my $body = pack("CxSlLLSS", 0, 0, $ARGV[1], 0, 0, 4 + length $xdp, 43 | 0x8000) . $xdp;
socket my $kernel, 16, 3, 0 or die;
send $kernel, pack("LSSLL", 16 + length $body, 19, 5, 1, 0) . $body, 0 or die;
recv $kernel, my $answer, 4096, 0;
exit -unpack "x16l", $answer
' $(case $(uname -m) in aarch64) echo 280 ;; *) echo 321 ;; esac) $(ip -j link show "$HOST_LINK" | jq '.[0].ifindex')`,
    shows: ['XDP', 'e2e_drop', '$HOST_LINK'],
    repair: 'remedy',
    cleanup: 'ip link set dev "$HOST_LINK" xdpgeneric off 2>/dev/null || :',
    when: isForwardedByKernel,
  },
];
