# Runs as PID 1 of namespaces of its own: builds a node with planted faults, runs the probe in a mount namespace of its
# own as a container would, prints its log. $1 is the script of the probe, the rest its arguments.
script=$1
shift
set -e
mount --make-rprivate /
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mkdir -p /run/netns /var/lib/cni/results /var/lib/cni/networks/lab
mount -t tmpfs netns /run/netns
mount --make-shared /run/netns
tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
ip link set lo up

# sandbox ID NAME PID PATH: what containerd keeps of a pod.
sandbox() {
  mkdir -p "$tasks/$1"
  printf '%s' "$3" >"$tasks/$1/init.pid"
  cat >"$tasks/$1/config.json" <<JSON
{"process": {"env": ["PASSWORD=secret-of-a-pod"], "args": ["/pause"]},
 "annotations": {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": "$1",
  "io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-name": "$2",
  "io.kubernetes.cri.sandbox-uid": "uid-of-$2", "note": "secret-of-a-pod"},
 "linux": {"namespaces": [{"type": "pid"}, {"type": "network", "path": "$4"}]}}
JSON
}

# pod ID NAME ADDRESS: a namespace with a pin, a process and a pair whose ends may well have the same number.
pod() {
  : >"/run/netns/cni-$2"
  unshare --net="/run/netns/cni-$2" true
  ip link add "veth$2" type veth peer name eth0 netns "cni-$2"
  ip link set "veth$2" up
  nsenter --net="/run/netns/cni-$2" sh -c "ip link set lo up; ip link set eth0 up; ip addr add $3/24 dev eth0; ip route add default via 10.1.1.1"
  nsenter --net="/run/netns/cni-$2" sleep 1000 </dev/null >/dev/null 2>&1 &
  sandbox "$1" "$2" $! "/var/run/netns/cni-$2"
  cat >"/var/lib/cni/results/lab-$1-eth0" <<JSON
{"kind": "cniCacheV1", "containerId": "$1", "ifName": "eth0", "networkName": "lab", "config": "eyJwbHVnaW5zIjpbeyJ0eXBlIjoiYnJpZGdlIn1dfQ==",
 "cniArgs": [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_NAME", "$2"], ["K8S_POD_UID", "uid-of-$2"]],
 "result": {"cniVersion": "1.0.0", "ips": [{"address": "$3/24", "gateway": "10.1.1.1", "interface": 1}], "routes": [{"dst": "0.0.0.0/0"}],
  "interfaces": [{"name": "veth$2", "mac": "02:00:00:00:00:01"}, {"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": "/var/run/netns/cni-$2"}]}}
JSON
  printf '%s\r\neth0' "$1" >"/var/lib/cni/networks/lab/$3"
}

pod aaaa healthy 10.1.1.2
pod bbbb bare 10.1.1.3
nsenter --net=/run/netns/cni-bare ip link del eth0
pod cccc filtered 10.1.1.4
nsenter --net=/run/netns/cni-filtered iptables-nft -A INPUT -j DROP || true
nsenter --net=/run/netns/cni-filtered sh -c 'echo 1 >/proc/sys/net/ipv4/ip_default_ttl'
nsenter --net=/run/netns/cni-filtered ip xfrm policy add dir out src 0.0.0.0/0 dst 10.1.1.251/32 action block || true
# An agent that was stopped, and what another agent told its plugin.
sh -c 'printf flanneld >/proc/$$/comm; kill -STOP $$' </dev/null >/dev/null 2>&1 &
stopped=$!
until grep -q '^State:.T' "/proc/$stopped/status"; do :; done
mkdir /run/flannel
printf 'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.1.1/24\n' >/run/flannel/subnet.env
# An agent that listens where its file was deleted; or in a directory that the node has elsewhere, with its file, as MicroK8s
# has it; or under another name. And a process of a pod that has the agent's name, and the file.
listens() {
  mkdir -p "$2"
  nsenter --net="$1" unshare --mount --propagation private sh -c 'mount --bind "$2" /run/cilium; exec perl -e "$@"' sh 'use IO::Socket::UNIX;
    $0 = $ARGV[1]; my $file = "/var/run/cilium/cilium.sock"; my $s = IO::Socket::UNIX->new(Local => $file, Listen => 1) or die;
    unlink $file if $ARGV[0] eq "/run/cilium"; open my $f, ">", "$ARGV[0]/listens"; sleep 1000' "$2" "$3" </dev/null >/dev/null 2>&1 &
  until [ -e "$2/listens" ]; do :; done
}
mkdir /run/cilium
listens /run/netns/cni-filtered /run/snap/other cilium-agent
case ${AGENT:-} in
  elsewhere) listens /proc/1/ns/net /run/snap/cilium cilium-agent ;;
  unknown) listens /proc/1/ns/net /run/cilium anything ;;
  *) listens /proc/1/ns/net /run/cilium cilium-agent ;;
esac
# Programs of two endpoints are pinned, and the map of one.
mount -t tmpfs bpf /sys/fs/bpf
mkdir -p /sys/fs/bpf/cilium/endpoints/98/links /sys/fs/bpf/cilium/endpoints/1757/links /sys/fs/bpf/tc/globals
touch /sys/fs/bpf/cilium/endpoints/98/links/cil_from_container /sys/fs/bpf/cilium/endpoints/1757/links/cil_from_container
touch /sys/fs/bpf/tc/globals/cilium_calls_00098 /sys/fs/bpf/tc/globals/cilium_lxc
# Of the node, those of IPv6 first: nft 1.0.6 then knows no target of IPv4.
ip6tables-nft -t nat -A POSTROUTING -j MASQUERADE || true
iptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.1.1.4 || true

# Frames that nobody in the pod takes: its kernel counts them as dropped. And a carrier that comes and goes.
perl -e 'socket my $socket, 17, 3, 0 or die; my $to = pack "SnlSCCx8", 17, 0x88b5, $ARGV[0], 0, 0, 6;
  send $socket, "\xff" x 6 . "\x02" . "\0" x 5 . pack("n", 0x88b5) . "\0" x 46, 0, $to or die for 1 .. 250' "$(ip -o link show dev vethhealthy | cut -d : -f 1)"
for state in down up down up; do ip link set vethfiltered $state; done

# A pod with nothing but IPv6, whose gateway is link-local, and the spec of another that was half written.
if [ -n "${SIX:-}" ]; then
  : >/run/netns/cni-six
  unshare --net=/run/netns/cni-six true
  ip link add vethsix type veth peer name "$SIX" netns cni-six
  nsenter --net=/run/netns/cni-six sh -c 'echo 0 >"/proc/sys/net/ipv6/conf/$SIX/accept_dad"; ip link set lo up; ip link set "$SIX" up'
  ip addr add fe80::9/64 dev vethsix nodad
  ip addr add fd00:9::1/64 dev vethsix nodad
  ip link set vethsix up
  nsenter --net=/run/netns/cni-six sh -c 'ip addr add fd00:9::2/64 dev "$SIX" nodad; ip route add default via fe80::9 dev "$SIX"'
  nsenter --net=/run/netns/cni-six sleep 1000 </dev/null >/dev/null 2>&1 &
  sandbox ffff six $! /run/netns/cni-six
  printf '{"annotations": {' >"$tasks/bbbb/config.json"
fi

# Whatever has a place of its own: the state of a containerd behind a link, which only its shim tells, with pins below it, and
# the roots of CRI-O and docker.
crio=/var/lib/containers/storage docked=/var/lib/docker
if [ -n "${PLACES:-}" ]; then
  crio=/run/lab/crio docked=/run/lab/docker
  mkdir -p /run/elsewhere/netns /run/programs /run/lab
  ln -s /run/elsewhere /run/alias
  usual=$tasks
  tasks=/run/elsewhere/io.containerd.runtime.v2.task/k8s.io
  sandbox eeee moved - /run/alias/netns/cni-moved
  tasks=$usual
  : >/run/elsewhere/netns/cni-moved
  unshare --net=/run/elsewhere/netns/cni-moved true
  cat >/run/lab/crio.conf <<'TOML'
[crio]
root = "/run/lab/nothing"
TOML
  mkdir /run/lab/crio.conf.d
  printf '[crio]\nroot = "/run/lab/crio"\n' >/run/lab/crio.conf.d/10-root.conf
  for name in containerd-shim-runc-v2 crio dockerd; do
    printf '#!/bin/sh\nwhile :; do sleep 1000; done\n' >"/run/programs/$name"
    chmod 755 "/run/programs/$name"
  done
  (cd /run/elsewhere/io.containerd.runtime.v2.task/k8s.io/eeee && exec /run/programs/containerd-shim-runc-v2 -namespace k8s.io) </dev/null >/dev/null 2>&1 &
  /run/programs/crio --config /run/lab/crio.conf --config-dir=/run/lab/crio.conf.d </dev/null >/dev/null 2>&1 &
  /run/programs/dockerd --data-root /run/lab/docker </dev/null >/dev/null 2>&1 &
  until [ "$(cat "/proc/$!/comm")" = dockerd ] && grep -qs '^crio$' /proc/[0-9]*/comm && grep -qs '^containerd-shim$' /proc/[0-9]*/comm; do :; done
fi

# As many leaked ones as asked for, each in a pin whose name sorts before those of the pods.
leaked=0
while [ "$leaked" -lt "${LEAKED:-0}" ]; do
  leaked=$((leaked + 1))
  : >"/run/netns/cni-0leaked$leaked"
  unshare --net="/run/netns/cni-0leaked$leaked" true
done

# A plain file where a pin should be, a pin under another mount, and a pin that nobody owns.
: >/run/netns/cni-plain
: >"/run/netns/cni-it's"
chmod 000 /run/netns/cni-plain
: >/run/netns/cni-shadowed
unshare --net=/run/netns/cni-shadowed true
: >/run/cover
mount --bind /run/cover /run/netns/cni-shadowed
: >/run/netns/cni-orphan
unshare --net=/run/netns/cni-orphan true

# Held by a descriptor only.
: >/run/netns/held
unshare --net=/run/netns/held true
sh -c 'exec 9</run/netns/held; exec sleep 1000 </dev/null >/dev/null 2>&1' &
holder=$!
while [ ! -e "/proc/$holder/fd/9" ]; do :; done
umount -l /run/netns/held
rm /run/netns/held

# Held by a socket only: no path, process or descriptor of a namespace leads there, but the node has a link into it.
: >/run/netns/socket
unshare --net=/run/netns/socket true
ip link add vethhidden type veth peer name eth0 netns socket
nsenter --net=/run/netns/socket ip link set lo up
nsenter --net=/run/netns/socket bash -c 'exec 8<>/dev/udp/127.0.0.1/9; exec nsenter --net=/proc/1/ns/net sleep 1000 </dev/null >/dev/null 2>&1' &
holder=$!
while [ ! -e "/proc/$holder/fd/8" ] || [ ! "/proc/$holder/ns/net" -ef /proc/1/ns/net ]; do :; done
umount /run/netns/socket
rm /run/netns/socket

# A mount namespace that took the pins along and does not follow the host.
unshare --mount --propagation private sleep 1000 </dev/null >/dev/null 2>&1 &

# The containerd of the node, and a kubelet as kind in a pod would have it.
mkdir -p /run/programs /run/lab
for name in containerd kubelet; do
  printf '#!/bin/sh\nwhile :; do sleep 1000; done\n' >"/run/programs/$name"
  chmod 755 "/run/programs/$name"
done
cat >/run/lab/containerd.toml <<'TOML'
root = "/run/lab/data" # see https://containerd.io
bin_dirs = ["/run/lab/current/plugins"]
conf_dir = '/run/lab/net.d'
[plugins."io.containerd.snapshotter.v1.devmapper"]
  root = "/run/lab/snapshots"
TOML
mkdir /run/lab/net.d
echo '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}' >/run/lab/net.d/10-lab.conflist
# A sandbox without a task that the runtime still keeps there.
mkdir -p /run/lab/data/io.containerd.grpc.v1.cri/sandboxes/kept
sed 's/"aaaa"/"kept"/; s/"healthy"/"kept"/' /var/lib/cni/results/lab-aaaa-eth0 >/var/lib/cni/results/lab-kept-eth0
# As on NixOS: an absolute link in the middle of a path.
mkdir -p /run/store/plugins && ln -s /run/store /run/lab/current && cp /bin/true /run/store/plugins/bridge
# And in their place.
ln -s /run/store/multi /run/store/plugins/portmap && cp /bin/true /run/store/multi
ln -s /run/store/20-link.conflist /run/lab/net.d/20-link.conflist
echo '{"cniVersion": "1.0.0", "name": "link", "plugins": [{"type": "portmap"}]}' >/run/store/20-link.conflist
echo 'nameserver 192.0.2.1' >/run/lab/resolv.conf
/run/programs/containerd --config /run/lab/containerd.toml </dev/null >/dev/null 2>&1 &
node=$!
unshare --pid --fork --kill-child /run/programs/kubelet --resolv-conf=/run/lab/resolv.conf </dev/null >/dev/null 2>&1 &
until [ "$(cat "/proc/$node/comm")" = containerd ] && grep -qs '^kubelet$' /proc/[0-9]*/comm; do :; done

if [ -n "${KUBELET:-}" ]; then
  mkdir /run/lab/kubelet.d
  echo 'resolvConf: /run/lab/nothing' >/run/lab/kubelet.yaml
  echo "resolvConf: '/run/lab/resolv.conf' # as the image says" >/run/lab/kubelet.d/10-image.conf
  /run/programs/kubelet --config=/run/lab/kubelet.yaml --config-dir /run/lab/kubelet.d </dev/null >/dev/null 2>&1 &
  node=$!
  until [ "$(cat "/proc/$node/comm")" = kubelet ]; do :; done
fi

# What dockerd and CRI-O have on file: of docker one with and one without a network of its own, of CRI-O one that it stopped.
sleep 1000 </dev/null >/dev/null 2>&1 &
docker() {
  mkdir -p "$docked/containers/$1"
  cat >"$docked/containers/$1/config.v2.json" <<JSON
{"StreamConfig":{},"State":{"Running":true,"Paused":false,"Pid":$2,"ExitCode":0},"Created":"2026-11-01T00:00:00Z",\
"Config":{"Env":["PASSWORD=secret-of-a-pod"],"Labels":{"io.kubernetes.docker.type":"podsandbox","io.kubernetes.pod.name":"$1",\
"io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"uid-of-$1"}},"NetworkSettings":{"Networks":{"$3":{}},"SandboxKey":"/var/run/docker/netns/$1"}}
JSON
}
docker docked $! none
docker docked-host $! host
stopped=$crio/overlay-containers/stopped/userdata
mkdir -p "$stopped"
: >"$stopped/stopped"
cat >"$stopped/config.json" <<'JSON'
{"annotations": {"io.kubernetes.cri-o.ContainerType": "sandbox", "io.kubernetes.pod.namespace": "shop",
  "io.kubernetes.pod.name": "finished", "io.kubernetes.pod.uid": "uid-of-finished"},
 "linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/gone"}]}}
JSON

# An open file whose path looks like descriptors.
mkdir -p "/run/lab/a
'/proc/x/fd" && : >"/run/lab/a
'/proc/x/fd/y -> 'net:[5]"
sh -c 'exec 7<"$1"; exec sleep 1000 </dev/null >/dev/null 2>&1' sh "/run/lab/a
'/proc/x/fd/y -> 'net:[5]" &
until [ -e "/proc/$!/fd/7" ]; do :; done

# A container that made its resolv.conf larger than any memory.
truncate -s 1T /run/lab/large
mkdir "$tasks/large"
nsenter --net=/run/netns/cni-healthy unshare --mount --propagation slave sh -c 'mount --bind /run/lab/large /etc/resolv.conf; exec sleep 1000' </dev/null >/dev/null 2>&1 &
printf '%s' $! >"$tasks/large/init.pid"
echo '{"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "large", "io.kubernetes.cri.sandbox-id": "aaaa"}, "linux": {"namespaces": [{"type": "network", "path": "/proc/1/ns/net"}]}}' >"$tasks/large/config.json"
until [ "$(cat "/proc/$!/comm")" = sleep ]; do :; done

# Specs that are no JSON, as after a crash, between those of the others; some of them end like one.
broken=0
while [ "$broken" -lt "${BROKEN:-0}" ]; do
  broken=$((broken + 1)) end=
  [ $((broken % 7)) -gt 0 ] || end='}'
  mkdir "$tasks/aaaa$broken"
  printf '{"annotations": {%s' "$end" >"$tasks/aaaa$broken/config.json"
done

ip rule add iif vethgone table 100 priority 10
# Pods on several network interfaces, as on AWS.
if [ -n "${TABLES:-}" ]; then
  for number in 21 22 23 24; do pod "eeee$number" "pod$number" "10.1.1.$number"; done
  ip rule add from 10.1.1.22 lookup 2 priority 1536
  ip rule add from 10.1.1.23 lookup 2 priority 1536
  ip rule add from 10.1.1.24 to 10.0.0.0/8 lookup 3 priority 1536
  ip rule add from 10.1.1.21 lookup 9 priority 32767
  ip rule add from 10.1.1.21 lookup main priority 1536
fi
# Named as an uplink is.
ip link add eth9 type bridge
# A kernel without IPsec has none.
ip xfrm policy add dst 10.1.1.250 dir fwd action block 2>/dev/null || :
printf 'not json' >/var/lib/cni/results/lab-broken-eth0
: >/var/lib/cni/networks/lab/10.1.1.9
: >"/var/lib/cni/networks/lab/10.1.1.10's"

[ -z "${LIMIT:-}" ] || echo "$LIMIT" >/proc/sys/user/max_net_namespaces

mkdir -p "$tasks/probe"
printf '%s' '{"annotations": {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": "own"}, "linux": {}}' >"$tasks/probe/config.json"
# A runtime whose mounts nobody else sees makes a pin there and starts the probe, as CRI-O's monitor does.
start=
if [ -n "${APART:-}" ]; then
  printf '#!/bin/sh\n: >/run/netns/cni-apart; unshare --net=/run/netns/cni-apart true; "$@"\n' >/run/programs/conmon
  chmod 755 /run/programs/conmon
  start='unshare --mount --propagation slave /run/programs/conmon'
fi
# What absolute links of the node lead to is not to be found in a container.
$start unshare --mount --propagation slave sh -c 'mount -t tmpfs none /run/store; printf %s $$ >"$1/probe/init.pid"; shift; exec sh -c "$@"' sh "$tasks" "$script" probe "$@"
