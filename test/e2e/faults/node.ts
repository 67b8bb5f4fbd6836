/** Faults of a node as a whole. */
import { type Fault, inInjector, isAws, isBridge, isCalico, isCilium, isForwardedByKernel } from './fault.ts';

/** Sets BRIDGE, the bridge of the victim. */
const bridgeOfVictim = `BRIDGE=$(ip -j link show "$HOST_LINK" | jq -r '.[0].master'); echo "BRIDGE=$BRIDGE"`;

/** Removes all endpoints of kube-dns, and restores them: if nothing scales it, its slices are written by hand. */
const serveDns = (yes: boolean) => `set -e
for slice in $(kubectl get endpointslices -n kube-system -l kubernetes.io/service-name=kube-dns -o name); do
  kubectl get -n kube-system "$slice" -o json | jq '.endpoints[].conditions.ready = ${yes}' | kubectl replace -f - >/dev/null
done`;

export const nodeFaults: readonly Fault[] = [
  {
    id: 'cluster-dns-without-endpoints',
    check: 'cluster-dns-unserved',
    pods: 0,
    object: { kind: 'cluster', name: 'kube-system/kube-dns' },
    where: 'cluster',
    inject: serveDns(false),
    shows: ['no ready endpoint', 'describe service -n kube-system kube-dns'],
    repair: serveDns(true),
    // The controller of a DNS that runs in pods would undo it at once.
    when: ({ dnsByHand }) => dnsByHand,
  },
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
    // Cilium's BPF programs forward by themselves.
    when: isForwardedByKernel,
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
    when: isForwardedByKernel,
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
    id: 'neighbour-of-pod-wrong',
    check: 'node-neighbour-wrong',
    where: 'node-network',
    inject:
      'link=$(ip route get "$IP" | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p"); ip neigh replace "$IP" lladdr 02:de:ad:00:00:01 nud permanent dev "$link"',
    shows: ['$IP', '02:de:ad:00:00:01'],
    repair: 'remedy',
    when: isForwardedByKernel,
  },
  {
    id: 'mac-of-another-pod',
    check: 'pod-mac-duplicate',
    pods: 2,
    where: 'pod-network',
    inject: 'ip link set eth0 address "$OTHER_MAC"',
    shows: ['$OTHER_MAC', '$OTHER_POD'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'uplink-mtu-lowered',
    check: 'node-mtu-too-small',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    // All of them: of several the widest counts.
    inject: `uplink=$(ip -j route show default | jq -r '.[0].dev'); links="$uplink $(ip -j link | jq -r '.[].ifname' | grep -E '^(eth|ens)' | grep -vx "$uplink" | tr '\\n' ' ')"
echo "LINKS=$links"; echo "MTU=$(cat /sys/class/net/$uplink/mtu)"; for link in $links; do ip link set "$link" mtu 1300; done`,
    shows: ['MTU 1300', '$POD'],
    repair: 'remedy',
    cleanup: 'for link in $LINKS; do ip link set "$link" mtu "$MTU"; done',
    // Cilium's agent follows the uplink: new pods get what it takes.
    when: (platform) => !isCilium(platform),
  },
  {
    id: 'default-route-of-node-deleted',
    check: 'node-default-route-missing',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: 'route=$(ip route show default | head -n 1); echo "ROUTE=$route"; ip route del default',
    shows: ['none'],
    repair: 'ip route replace $ROUTE',
  },
  {
    id: 'cluster-dns-of-kubelet-wrong',
    check: 'node-cluster-dns-wrong',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `config=$(tr '\\0' '\\n' </proc/$(pgrep -x kubelet | head -n 1)/cmdline | sed -n 's/^--config=//p'); cp "$config" /run/e2e-kubelet; echo "CONFIG=$config"; sed 's/^clusterDNS:.*/clusterDNS: ["10.96.255.254"]/' /run/e2e-kubelet >"$config"`,
    shows: ['10.96.255.254', 'no Service'],
    repair: 'cat /run/e2e-kubelet >"$CONFIG"; rm /run/e2e-kubelet',
  },
  {
    id: 'tunnel-with-another-mac',
    check: 'node-tunnel-broken',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject:
      'echo "MAC=$(cat /sys/class/net/flannel.1/address)"; ip link set flannel.1 address 02:fa:ce:00:00:01',
    shows: ['$MAC', '02:fa:ce:00:00:01'],
    // The kernel drops the device's neighbour entries with its address: the remedy writes both anew.
    repair: 'remedy',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-sends-from-nowhere',
    check: 'node-tunnel-broken',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'ip link set flannel.1 type vxlan local 192.0.2.77',
    shows: ['192.0.2.77', 'flannel.1'],
    repair: 'remedy',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-on-another-port',
    check: 'tunnel-settings-differ',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // The kernel changes the port of no device: another one takes its place, with all that leads through it, while
    // the agent hangs.
    inject: `d=flannel.1; cd /run; set -- $(ip -d link show $d | sed -n 's/.* local \\([0-9.]*\\) dev \\([^ ]*\\) .*/\\1 \\2/p')
mac=$(cat /sys/class/net/$d/address); address=$(ip -o -4 addr show dev $d | sed 's/.* inet \\([0-9./]*\\) .*/\\1/')
ip route show dev $d >e2e-routes; ip neigh show dev $d nud permanent >e2e-neighbours; bridge fdb show dev $d | grep " dst " >e2e-entries
pkill -STOP -x flanneld; ip link del $d; ip link add $d address $mac type vxlan id 1 local $1 dev $2 dstport 4789 nolearning; ip addr add $address dev $d; ip link set $d up
while read -r route; do ip route replace $route dev $d; done <e2e-routes
while read -r to _ mac _; do ip neigh replace $to lladdr $mac dev $d nud permanent; done <e2e-neighbours
while read -r mac _ to _; do bridge fdb replace $mac dst $to dev $d; done <e2e-entries; rm e2e-routes e2e-neighbours e2e-entries`,
    shows: ['UDP port 4789', 'UDP port 8472'],
    // As the remedy has it, for an agent without a pod; then until the agent has created all of it.
    repair:
      'ip link del flannel.1; pkill -KILL -x flanneld; for n in $(seq 100); do ! ip -d link show flannel.1 | grep -q "dstport 8472 " || ! ip route | grep -q "dev flannel.1" || break; sleep 0.2; done',
    when: ({ plugin }) => plugin === 'flannel',
  },
  {
    id: 'tunnel-entry-gone',
    check: 'tunnel-entry-wrong',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `device=$(ls /sys/class/net | grep -E '^(flannel\\.|vxlan\\.calico)'); set -- $(bridge fdb show dev "$device" | grep ' dst ')
echo "MAC=$1"; bridge fdb del "$1" dev "$device"`,
    shows: ['$MAC', 'nowhere'],
    repair: 'remedy',
    when: ({ plugin }) => ['flannel', 'calico'].includes(plugin),
  },
  {
    id: 'tunnel-port-closed',
    check: 'tunnel-port-blocked',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `port=$(ip -d link show type vxlan | sed -n 's/.* dstport \\([0-9]*\\) .*/\\1/p' | head -n 1); echo "PORT=$port"; iptables -I INPUT -p udp --dport "$port" -j DROP`,
    shows: ['$PORT', 'INPUT'],
    repair: 'iptables -D INPUT -p udp --dport "$PORT" -j DROP',
    // Calico accepts the port from other nodes in a chain of its own, which is first.
    when: (platform) => platform.plugin === 'flannel' || isCilium(platform),
  },
  {
    id: 'bridge-entry-of-pod-misleads',
    check: 'bridge-entry-wrong',
    pods: 2,
    where: 'node',
    inject: 'bridge fdb replace "$MAC" dev "$OTHER_HOST_LINK" master sticky static',
    shows: ['$MAC', '$OTHER_HOST_LINK', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
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
    id: 'host-port-of-dead-pod',
    check: 'host-port-unserved',
    container: { ports: [{ containerPort: 80, hostPort: 18088 }] },
    where: 'node',
    inject:
      'iptables -t nat -N CNI-DN-0e2e00000000000000000; iptables -t nat -A CNI-DN-0e2e00000000000000000 -p tcp --dport 18088 -j DNAT --to-destination 192.0.2.9:80; iptables -t nat -I CNI-HOSTPORT-DNAT -p tcp -m multiport --dports 18088 -j CNI-DN-0e2e00000000000000000',
    shows: ['18088/tcp', 'CNI-DN-0e2e00000000000000000'],
    repair:
      'iptables -t nat -D CNI-HOSTPORT-DNAT 1; iptables -t nat -F CNI-DN-0e2e00000000000000000; iptables -t nat -X CNI-DN-0e2e00000000000000000',
    when: (platform) => isForwardedByKernel(platform) && platform.plugins.includes('portmap'),
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
  {
    id: 'chain-of-dead-pod-rejects',
    check: 'node-firewall-drops-pod',
    where: 'node',
    inject:
      'iptables -N E2E-POD-FW; iptables -A E2E-POD-FW -j REJECT; iptables -I FORWARD -d "$IP" -m comment --comment "POD name:gone" -j E2E-POD-FW',
    shows: ['$IP', 'E2E-POD-FW'],
    repair: 'remedy',
    cleanup: 'iptables -F E2E-POD-FW; iptables -X E2E-POD-FW',
    when: isForwardedByKernel,
  },
  {
    id: 'nftables-drops-pod',
    check: 'node-firewall-drops-pod',
    where: 'node-network',
    inject:
      'nft add table inet e2e; nft add chain inet e2e guard "{ type filter hook forward priority 0; }"; nft add rule inet e2e guard ip daddr "$IP" drop',
    shows: ['$IP', 'nftables'],
    repair: 'remedy',
    cleanup: 'nft delete table inet e2e 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'chain-of-link-drops',
    check: 'node-firewall-drops-pod',
    where: 'node-network',
    inject: `nft add table netdev e2e; nft add chain netdev e2e guard "{ type filter hook ingress device \\"$HOST_LINK\\" priority 0; policy drop; }"`,
    shows: ['$HOST_LINK', 'policy drop'],
    repair: 'remedy',
    cleanup: 'nft delete table netdev e2e 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'ipsec-drops-pod',
    check: 'node-ipsec-drops-pod',
    where: 'node-network',
    inject: 'ip xfrm policy add dst "$IP" dir fwd action block',
    shows: ['$IP', 'block'],
    repair: 'remedy',
    cleanup: 'ip xfrm policy delete dst "$IP" dir fwd 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'rules-in-both-backends',
    check: 'firewall-backends-mixed',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // A chain to which nothing leads; chains of kube-proxy or the plugin are in the node's own backend.
    inject: `case $(iptables --version) in *legacy*) other=iptables-nft ;; *) other=iptables-legacy ;; esac
echo "OTHER=$other"; $other -t nat -N CNI-E2E; $other -t nat -A CNI-E2E -j RETURN`,
    shows: ['CNI-E2E'],
    repair: '$OTHER -t nat -F CNI-E2E; $OTHER -t nat -X CNI-E2E',
  },
  {
    id: 'rule-drops-what-pod-sends',
    check: 'pod-unrouted-outbound',
    where: 'node-network',
    inject: 'ip rule add from "$IP" unreachable priority 92',
    shows: ['$IP', 'unreachable'],
    repair: 'remedy',
    cleanup: 'ip rule del priority 92 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'rule-takes-what-is-for-pod',
    check: 'pod-unrouted-inbound',
    where: 'node-network',
    inject:
      'ip route replace table 93 $(ip route show default | head -n 1); ip rule add to "$IP" lookup 93 priority 93',
    shows: ['$IP', 'lookup 93'],
    repair: 'remedy',
    cleanup: 'ip rule del priority 93 2>/dev/null || :; ip route flush table 93 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'rule-takes-all-of-node',
    check: 'foreign-routing-rules',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: 'ip rule add from "${IP%.*}.0/24" prohibit priority 94',
    shows: ['prohibit', '$POD'],
    repair: 'remedy',
    cleanup: 'ip rule del priority 94 2>/dev/null || :',
    when: isForwardedByKernel,
  },
  {
    id: 'blackhole-between-nodes',
    check: 'pods-of-node-unreachable',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `network=$(ip -j route show table main | jq -r '[.[] | select(.gateway and .dst != "default" and (.dst | contains("/")))][0].dst')
echo "NETWORK=\${network%/*}/27"; ip route add blackhole "\${network%/*}/27"`,
    shows: ['blackhole', '$NETWORK'],
    repair: 'remedy',
    cleanup: 'ip route del blackhole "$NETWORK" 2>/dev/null || :',
    when: (platform) => !isAws(platform),
  },
  {
    id: 'route-to-node-deleted',
    check: 'route-to-node-missing',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `route=$(ip -j route show table main | jq -r '[.[] | select(.gateway and .dst != "default" and (.dst | contains("/")))][0] | "\\(.dst) via \\(.gateway) dev \\(.dev)"')
echo "ROUTE=$route"; echo "NETWORK=\${route%% *}"; ip route del $route`,
    shows: ['$NETWORK', 'default'],
    repair: 'remedy',
    // Agents of flannel, Calico and Cilium restore it within seconds or minutes.
    cleanup: 'ip route replace $ROUTE onlink 2>/dev/null || :',
    when: (platform) => !isAws(platform) && !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'route-to-node-misled',
    check: 'route-to-node-missing',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `route=$(ip -j route show table main | jq -r '[.[] | select(.gateway and .dst != "default" and (.dst | contains("/")))][0] | "\\(.dst) \\(.gateway) \\(.dev)"')
set -- $route; echo "ROUTE=$1 via $2 dev $3"; echo "WRONG=\${2%.*}.77"; ip route replace "$1" via "\${2%.*}.77" dev "$3" onlink`,
    shows: ['$WRONG'],
    repair: 'remedy',
    cleanup: 'ip route replace $ROUTE onlink 2>/dev/null || :',
    when: (platform) => !isAws(platform) && !isCalico(platform) && !isCilium(platform),
  },
  {
    id: 'neighbour-of-node-wrong',
    check: 'neighbour-of-node-wrong',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'cluster',
    inject: `ip=$(kubectl get nodes -o json | jq -r --arg node "$NODE" '[.items[] | select(.metadata.name != $node)][0].status.addresses[] | select(.type == "InternalIP").address')
echo "OTHER_NODE=$ip"; ${inInjector('$ip', 'ip neigh replace "$1" lladdr 02:de:ad:00:00:02 nud permanent dev "$(ip route get "$1" | sed -n "s/.* dev \\([^ ]*\\).*/\\1/p")"')}`,
    shows: ['$OTHER_NODE', '02:de:ad:00:00:02'],
    repair: 'remedy',
    cleanup: inInjector(
      '$OTHER_NODE',
      'ip neigh show "$1" | sed -n "s/ lladdr 02:de:ad:00:00:02 .*//p" | while read -r entry; do ip neigh del $entry; done',
    ),
  },
  {
    id: 'aws-rule-to-pod-deleted',
    check: 'aws-rule-missing',
    where: 'node-network',
    inject: 'ip rule del to "$IP" priority 512',
    shows: ['512', '$IP'],
    repair: 'remedy',
    when: isAws,
  },
  {
    id: 'aws-rule-from-pod-deleted',
    check: 'aws-rule-missing',
    where: 'node',
    // ipamd chooses the ENI: if it chose the first one, the result is changed to say that it was the second.
    inject: `file=$(grep -l "[^0-9]$IP/32" /var/lib/cni/results/aws-cni-*-eth0)
sed -i 's/"mac":"254","name":"eth0"/"mac":"2","name":"eth0"/' "$file"; ip rule del from "$IP" priority 1536 2>/dev/null || :`,
    shows: ['1536', '$IP', 'One-way'],
    repair: 'remedy',
    when: isAws,
  },
  {
    id: 'aws-rule-left-over',
    check: 'aws-rule-leaked',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject:
      'ip rule add to 10.244.77.99 lookup main priority 512; ip rule add from 10.244.77.99 lookup 2 priority 1536',
    shows: ['10.244.77.99'],
    repair: 'remedy',
    cleanup: 'for way in to from; do ip rule del $way 10.244.77.99 2>/dev/null || :; done',
    when: isAws,
  },
  {
    id: 'aws-rule-of-no-link',
    check: 'aws-rule-detached',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: 'ip rule add iif vlan0e2e000000a lookup 177 priority 10',
    shows: ['vlan0e2e000000a'],
    repair: 'remedy',
    cleanup: 'ip rule del iif vlan0e2e000000a 2>/dev/null || :',
    when: isAws,
  },
  {
    id: 'aws-table-empty',
    check: 'aws-eni-table-incomplete',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: 'ip route flush table 2',
    shows: ['Table 2', 'eth1'],
    repair: 'remedy',
    when: isAws,
  },
  {
    id: 'bridge-down',
    check: 'node-bridge-broken',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `${bridgeOfVictim}; ip link set "$BRIDGE" down`,
    shows: ['$BRIDGE', 'is down', '$POD'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'bridge-deleted',
    check: 'node-bridge-broken',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `${bridgeOfVictim}; ip link del "$BRIDGE"`,
    shows: ['$BRIDGE', 'is gone', '$POD'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'bridge-renamed',
    check: 'node-bridge-broken',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node-network',
    inject: `${bridgeOfVictim}; ip link set "$BRIDGE" down; ip link set "$BRIDGE" name e2e-bridge; ip link set e2e-bridge up`,
    shows: ['$BRIDGE', 'e2e-bridge', '$POD'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'hairpin-off',
    check: 'bridge-port-flags-wrong',
    where: 'node-network',
    inject: 'ip link set "$HOST_LINK" type bridge_slave hairpin off',
    shows: ['hairpin', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'port-locked',
    check: 'bridge-port-flags-wrong',
    where: 'node',
    inject: 'ip link set "$HOST_LINK" type bridge_slave locked on',
    shows: ['locked', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'port-disabled',
    check: 'veth-bridge-detached',
    where: 'node',
    inject: 'bridge link set dev "$HOST_LINK" state 0',
    shows: ['disabled', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'port-listening',
    check: 'veth-bridge-detached',
    where: 'node',
    inject: 'bridge link set dev "$HOST_LINK" state 1',
    shows: ['listening', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'port-without-broadcast',
    check: 'bridge-port-flags-wrong',
    where: 'node',
    inject: 'ip link set "$HOST_LINK" type bridge_slave bcast_flood off',
    shows: ['bcast_flood', '$HOST_LINK'],
    repair: 'remedy',
    when: isBridge,
  },
  {
    id: 'bridge-filter-off',
    check: 'bridge-filter-disabled',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables',
    shows: ['net.bridge.bridge-nf-call-iptables'],
    repair: 'remedy',
    cleanup: 'echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables',
    when: isBridge,
  },
  {
    id: 'forward-policy-drop',
    check: 'node-firewall-drops',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables -P FORWARD DROP',
    shows: ['of FORWARD'],
    repair: 'remedy',
    cleanup: 'iptables -P FORWARD ACCEPT',
    // Calico and flannel accept pods with their own rules.
    when: ({ plugin }) => ['bridge', 'ptp', 'aws-cni'].includes(plugin),
  },
  {
    id: 'service-rules-unreached',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'for chain in PREROUTING OUTPUT; do iptables -t nat -D $chain -m comment --comment "kubernetes service portals" -j KUBE-SERVICES; done',
    shows: ['KUBE-SERVICES', 'PREROUTING', 'OUTPUT'],
    repair: 'remedy',
    cleanup:
      'for chain in PREROUTING OUTPUT; do rule="$chain -m comment --comment services -j KUBE-SERVICES"; iptables -t nat -S $chain | grep -q -e "-j KUBE-SERVICES" || iptables -t nat -I $rule; done',
  },
  {
    id: 'nat-table-flushed',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: 'iptables-save -t nat >/run/e2e-nat; iptables -t nat -F',
    shows: ['KUBE-SERVICES', 'is empty'],
    // Makes the table anew, behind those of IPv6: nft 1.0.6 then shows its targets only if it is asked for IPv4 alone.
    repair: 'iptables-restore </run/e2e-nat',
    cleanup: 'rm -f /run/e2e-nat',
    when: (platform) => platform.plugin === 'bridge',
  },
  {
    id: 'masquerade-of-services-unreached',
    check: 'service-rules-detached',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject:
      'iptables -t nat -D POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    shows: ['KUBE-POSTROUTING', 'POSTROUTING'],
    repair: 'remedy',
    cleanup:
      'iptables -t nat -S POSTROUTING | grep -q -e "-j KUBE-POSTROUTING" || iptables -t nat -I POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
  },
  {
    id: 'service-rules-of-dead-endpoint',
    check: 'service-rules-stale',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `sep=$(iptables -t nat -S | sed -n 's/^-A \\(KUBE-SEP-[A-Z0-9]*\\) .*"kube-system.kube-dns:dns".*DNAT.*/\\1/p' | head -n 1)
iptables -t nat -R "$sep" 2 -p udp -m comment --comment "kube-system/kube-dns:dns" -m udp -j DNAT --to-destination 10.244.77.53:53`,
    shows: ['10.244.77.53', 'kube-system/kube-dns'],
    // As the remedy has it; then until kube-proxy has written its rules.
    repair:
      'pkill -KILL -x kube-proxy; for n in $(seq 50); do iptables -t nat -S | grep -q 10.244.77.53 || break; sleep 0.2; done',
  },
  {
    id: 'kube-proxy-stopped',
    check: 'kube-proxy-gone',
    pods: 0,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    // Where it runs as a process of the node, whatever would restart it is stopped first.
    inject:
      'pid=$(pgrep -x kube-proxy | head -n 1); loop=$(awk \'{ print $4 }\' /proc/$pid/stat); echo "LOOP=$loop"; kill -STOP $loop; kill -9 $pid',
    shows: ['kube-proxy', '$NODE'],
    repair:
      'kill -CONT $LOOP; for n in $(seq 50); do ! pgrep -x kube-proxy >/dev/null || break; sleep 0.2; done',
    // Its agent may replace kube-proxy.
    when: (platform) => !isCilium(platform),
  },
  {
    id: 'masquerade-unreached',
    check: 'masquerade-rules-detached',
    pods: 1,
    object: { kind: 'node', name: '$NODE' },
    where: 'node',
    inject: `iptables -t nat -S POSTROUTING | sed -n 's/^-A \\(.*-j AWS-SNAT-CHAIN-0\\)$/-t nat -D \\1/p' | xargs -r iptables`,
    shows: ['AWS-SNAT-CHAIN-0', 'POSTROUTING'],
    repair: 'remedy',
    // Agents of flannel, Calico and Cilium look after theirs every few seconds; bridge and ptp masquerade by a chain for each pod.
    when: isAws,
  },
  {
    id: 'bridge-address-wrong',
    check: 'bridge-address-stale',
    pods: 1,
    object: { node: '$NODE' },
    where: 'node-network',
    inject: `bridge=$(ip -j link show "$HOST_LINK" | jq -r '.[0].master'); echo "BRIDGE=$bridge"; ip addr show dev "$bridge" >&2
old=$(ip -o -4 addr show dev "$bridge" | sed 's#.*inet \\([0-9./]*\\) .*#\\1#'); echo "OLD=$old"; ip addr add 10.250.77.1/24 dev "$bridge"; ip addr del "$old" dev "$bridge"`,
    shows: ['10.250.77.1'],
    repair: 'ip addr add "$OLD" dev "$BRIDGE"; ip addr del 10.250.77.1/24 dev "$BRIDGE"',
    when: isBridge,
  },
  {
    id: 'route-left-over',
    check: 'host-route-stale',
    pods: 1,
    object: { node: '$NODE' },
    where: 'node-network',
    inject: 'ip route add "${IP%.*}.243/32" dev "$HOST_LINK" scope link; echo "STALE=${IP%.*}.243"',
    shows: ['$STALE', '$HOST_LINK'],
    repair: 'remedy',
    cleanup: 'ip route del "$STALE/32" 2>/dev/null || :',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
  {
    id: 'route-deleted',
    check: 'host-route-missing',
    where: 'node-network',
    inject: 'ip route del "$IP/32"',
    shows: ['$IP'],
    repair: 'remedy',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
  {
    id: 'route-misled',
    check: 'host-route-misdirected',
    pods: 2,
    where: 'node-network',
    inject: 'ip route replace "$IP/32" dev "$OTHER_HOST_LINK" scope link',
    shows: ['$IP', '$OTHER_HOST_LINK', '$HOST_LINK'],
    repair: 'remedy',
    when: (platform) => ['ptp', 'calico', 'aws-cni'].includes(platform.plugin),
  },
];
