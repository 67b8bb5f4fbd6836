# Runs as PID 1 of namespaces of its own: builds a node with leaked pairs and records of addresses beside such as only look like one,
# lets the repair go at all of them, and prints its answer, a line "---", and what is left. $1 is the script, $2 whether it acts.
script=$1 act=$2
set -e
mount --make-rprivate /
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
networks=/var/lib/cni/networks own=ffffffff-0000-4000-8000-000000000000
mkdir -p /run/netns /run/lab/net.d /run/programs "$networks/lab" "$networks/podman" /var/lib/cni/results "/var/lib/kubelet/pods/$own"
mount -t tmpfs netns /run/netns
mount --make-shared /run/netns
cp /etc/hosts "/var/lib/kubelet/pods/$own/etc-hosts"
tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p "$tasks/probe" /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/probe
echo '{}' >"$tasks/probe/config.json"
echo 'conf_dir = "/run/lab/net.d"' >/run/lab/containerd.toml
echo '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}' >/run/lab/net.d/10-lab.conflist
printf '#!/bin/sh\nwhile :; do sleep 1000; done\n' >/run/programs/containerd
chmod 755 /run/programs/containerd
/run/programs/containerd --config /run/lab/containerd.toml </dev/null >/dev/null 2>&1 &
until [ "$(cat "/proc/$!/comm")" = containerd ]; do :; done
ip link set lo up
ip link add cni0 type bridge
ip link set cni0 up

# pair NUMBER: as a plugin leaves it that was killed before it moved the other end into the pod.
pair() {
  name=$(printf 'veth%08x' "$1")
  ip link add "$name" type veth peer name "peer$1"
  ip link set "$name" up
  ip link set "peer$1" up
}
number() { cat "/sys/class/net/$1/ifindex"; }
mount -t sysfs none /sys
for each in 1 2 3 4 5 6 7 8 9 10 11 12 13; do pair "$each"; done
ip link set veth00000002 master cni0
ip route add 10.1.1.2/32 dev veth00000002
for each in 1 2 3 4 5 6 7 8 9 10 11 12; do
  name=$(printf 'veth%08x' "$each")
  echo "veth=$name:$(number "$name")"
done >/run/lab/asked

# container NUMBER: the id of one.
container() { printf '%064d' "$1"; }
for network in lab podman; do : >"$networks/$network/lock"; done
# record NETWORK ADDRESS NUMBER: of a container, as host-local keeps it.
record() {
  printf '%s\r\neth0' "$(container "$3")" >"$networks/$1/$2"
  touch -d '1 hour ago' "$networks/$1/$2"
  echo "address=$1:$2:$(container "$3")" >>/run/lab/asked
}
for each in 1 2 3 4 5 6 7 8 10 11; do record lab "10.1.1.$each" "$each"; done
record lab fd00::1 12
record lab 10.1.1.12 13
record podman 10.1.1.9 9

# From here on things change after they were found.
: >/run/netns/pod
unshare --net=/run/netns/pod true
ip link set peer3 netns pod
ip link del veth00000004
pair 4
ip addr add 10.9.9.5/24 dev veth00000005
ip addr add 10.9.9.6/24 dev peer6
ip link set peer7 master cni0
ip route add 10.8.0.0/16 dev veth00000009
ip link set veth0000000a down
ip link set veth0000000a name somebody
ip link del veth0000000b
printf '%s\r\neth0' "$(container 99)" >"$networks/lab/10.1.1.2"
touch -d '1 hour ago' "$networks/lab/10.1.1.2"
mkdir "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/$(container 3)"
printf '{"containerId": "%s"}' "$(container 4)" >/var/lib/cni/results/lab-four-eth0
echo '{"containerId": "other", "result": {"ips": [{"address": "10.1.1.5/24"}]}}' >/var/lib/cni/results/lab-other-eth0
nsenter --net=/run/netns/pod ip addr add 10.1.1.6/24 dev peer3
touch "$networks/lab/10.1.1.7"
rm "$networks/lab/10.1.1.8"
mv "$networks/lab/10.1.1.10" /run/lab/record
ln -s /run/lab/record "$networks/lab/10.1.1.10"
unshare --net sh -c 'ip addr add 10.1.1.11/32 dev lo; : >/run/lab/inside; exec sleep 1000' </dev/null >/dev/null 2>&1 &
until [ -e /run/lab/inside ]; do :; done
# Two processes are in this one, and the first ends as soon as it was seen.
unshare --net sh -c 'ip addr add 10.1.1.12/32 dev lo; sleep 1000 & : >/run/lab/two; exec sleep 1000' </dev/null >/dev/null 2>&1 &
first=$!
until [ -e /run/lab/two ]; do :; done
[ -z "${LOCKED:-}" ] || { flock "$networks/lab/lock" sh -c ': >/run/lab/locked; exec sleep 1000' </dev/null >/dev/null 2>&1 & until [ -e /run/lab/locked ]; do :; done; }
[ -z "${BUSY:-}" ] || mount --bind "$networks/lab/10.1.1.1" "$networks/lab/10.1.1.1"
[ -z "${BROKEN:-}" ] || echo '{' >/var/lib/cni/results/lab-broken-eth0
mkdir /run/lab/bin
# Kinds of links that not every kernel has.
cat >/run/lab/bin/ip <<PROGRAM
#!/bin/sh
[ "\$*" = '-j -d link' ] || exec $(command -v ip) "\$@"
$(command -v ip) "\$@" | jq -c '(.[] | select(.ifname == "veth0000000c")).master = "bond0" | . + [{"ifindex": 900, "ifname": "bond0", "linkinfo": {"info_kind": "bond"}},
  {"ifindex": 901, "ifname": "above8", "link": "peer8", "linkinfo": {"info_kind": "vlan"}}]'
PROGRAM
chmod 755 /run/lab/bin/ip
cat >/run/lab/bin/stat <<PROGRAM
#!/bin/sh
$(command -v stat) "\$@"
code=\$?
case "\$*" in *'%d:%i %n'*) kill -9 $first; while [ -e /proc/$first/ns/net ]; do :; done ;; esac
exit \$code
PROGRAM
chmod 755 /run/lab/bin/stat
# A link that does not go.
if [ -n "${STUCK:-}" ]; then
  printf '#!/bin/sh\ncase $2 in *"32, 17, 5"*) exit 0 ;; esac\nexec %s "$@"\n' "$(command -v perl)" >/run/lab/bin/perl
  chmod 755 /run/lab/bin/perl
fi
# Somebody takes it between the look at all and the deletion.
if [ -n "${RACE:-}" ]; then
  printf '#!/bin/sh\n%s "$@"\ncode=$?\n%s link set peer1 master cni0\nexit $code\n' "$(command -v cp)" "$(command -v ip)" >/run/lab/bin/cp
  chmod 755 /run/lab/bin/cp
fi
cp "$(readlink -f "$(command -v dash || command -v bash)")" /run/lab/containerd-shim
cd "$tasks/probe"
# repair [COMMAND...]: as the runtime's monitor starts it.
# shellcheck disable=SC2016,SC2046
repair() {
  PATH=/run/lab/bin:$PATH TMPDIR=/run/lab "$@" unshare --mount --propagation slave /run/lab/containerd-shim -c 'mount --bind "$0" /etc/hosts; sh "$@"; :' \
    "/var/lib/kubelet/pods/$own/etc-hosts" -c "$script" repair "act=$act" settle=300 $(cat /run/lab/asked)
}
# Killed right before or after a step, as the node's root would have it, and called again.
if [ -n "${KILL:-}" ]; then
  cat >/run/lab/bin/perl <<PROGRAM
#!/bin/sh
step=none
case "\$*" in *'32, 17, 5'*) step=pair ;; *'host-local has no lock'*' 1') step=record ;; esac
fatal() { [ "\$1 \$step" != "$KILL" ] || [ -e /run/lab/killed ] || { : >/run/lab/killed; kill -9 -\$(cat /run/lab/group); }; }
fatal before
$(command -v perl) "\$@"
code=\$?
fatal after
exit \$code
PROGRAM
  printf '#!/bin/sh\necho $$ >/run/lab/group\nexec "$@"\n' >/run/lab/alone
  chmod 755 /run/lab/bin/perl /run/lab/alone
  (repair setsid /run/lab/alone >/run/lab/first) || :
  [ -e /run/lab/killed ] || echo 'it was not killed'
fi
repair env
echo ---
echo "links $(ls /sys/class/net | tr '\n' ' ')"
echo "records $(cd "$networks/lab" && echo [0-9f]*)"
echo "others $(cd "$networks/podman" && echo 1*)"
