# Runs as PID 1 of namespaces of its own: builds a node with orphaned namespaces beside such as only look like one, lets the
# repair go at all of them, and prints its answer, a line "---", and what is left. $1 is the script, $2 whether it acts.
script=$1 act=$2
set -e
mount --make-rprivate /
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mount -t tmpfs opt /opt
mkdir -p /run/netns /run/lab /opt/cni/bin /var/lib/cni/results /var/lib/cni/networks/lab /var/lib/kubelet/pods/uid-live
mount -t tmpfs netns /run/netns
mount --make-shared /run/netns
tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p "$tasks/probe" "$tasks/other" /run/lab/unknown /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/stopped
mkdir "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${PROBE_ID:-probe}"
echo '{}' >"$tasks/probe/config.json"
: >/var/lib/cni/networks/lab/lock
ip link set lo up

# A plugin that gives back the address and says how it was called, in the place of CNI's own.
cat >/opt/cni/bin/bridge <<'PLUGIN'
#!/bin/sh
cat >/run/lab/stdin
[ ! -e /run/lab/kill ] || case "$CNI_COMMAND bridge" in $(cat /run/lab/kill)) mv /run/lab/kill /run/lab/killed; kill -9 "-$(cat /run/lab/group)" ;; esac
printf '%s %s %s %s\n' "$CNI_COMMAND" "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" >>/run/lab/calls
jq -c . /run/lab/stdin >>/run/lab/calls
case $CNI_CONTAINERID in refusing*) echo '{"level": "info", "msg": "on it"}' >&2; echo '{"code": 11, "msg": "try again later"}'; exit 1 ;; esac
# While it works, somebody enters another namespace, and time goes by.
[ "$CNI_CONTAINERID" != entered ] || { nsenter --net="/run/netns/cni-00000000-0000-4000-8000-000000000038" sleep 1000 >/dev/null 2>&1 & until [ "$(stat -L -c %i /proc/$!/ns/net)" = "$(stat -L -c %i /run/netns/cni-00000000-0000-4000-8000-000000000038)" ]; do :; done; : >/run/lab/entered; }
grep -l "^$CNI_CONTAINERID" /var/lib/cni/networks/lab/10* | xargs -r rm
PLUGIN
printf '#!/bin/sh\ncat >/dev/null; echo portmap >>/run/lab/calls; [ ! -e /run/lab/kill ] || case "$CNI_COMMAND portmap" in $(cat /run/lab/kill)) mv /run/lab/kill /run/lab/killed; kill -9 "-$(cat /run/lab/group)" ;; esac\n' >/opt/cni/bin/portmap
chmod 755 /opt/cni/bin/*

# One that anybody may write.
cp /opt/cni/bin/portmap /opt/cni/bin/loose
chmod 777 /opt/cni/bin/loose

# One that another one calls.
cp /opt/cni/bin/loose /opt/cni/bin/loose-ipam
chmod 777 /opt/cni/bin/loose-ipam

# What the runtime was told, and what two pods would have it told, of which one is root and the other shares the mounts.
mkdir -p /run/programs /run/lab/net.d /run/lab/evil
echo 'conf_dir = "/run/lab/net.d"' >/run/lab/containerd.toml
echo 'bin_dirs = ["/run/lab/evil"]' >/run/lab/evil.toml
echo '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}' >/run/lab/net.d/10-lab.conflist
printf '#!/bin/sh\nwhile :; do sleep 1000; done\n' >/run/programs/containerd
printf '#!/bin/sh\ntouch /run/lab/evil/ran\n' >/run/lab/evil/bridge
cp /run/lab/evil/bridge /run/lab/evil/portmap
chmod 755 /run/programs/containerd /run/lab/evil/*
cp /run/programs/containerd /run/programs/kubelet

pin() { printf 'cni-00000000-0000-4000-8000-%012d' "$1"; }
inode() { stat -L -c %i "/run/netns/$(pin "$1")"; }
# orphan NUMBER: a namespace with the pair of a pod that was.
orphan() {
  : >"/run/netns/$(pin "$1")"
  unshare --net="/run/netns/$(pin "$1")" true
  ip link add "veth$1" type veth peer name eth0 netns "$(pin "$1")"
  ip link set "veth$1" up
  nsenter --net="/run/netns/$(pin "$1")" sh -c "ip link set eth0 up; ip addr add 10.1.1.$1/24 dev eth0"
}
# result NUMBER CONTAINER POD [TYPE] [IPAM]: what the plugins keep of it.
result() {
  config=$(printf '{"cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "%s", "ipam": {"type": "%s"}}, {"type": "portmap", "capabilities": {"portMappings": true}}]}' "${4:-bridge}" "${5:-portmap}" | base64 -w 0)
  cat >"/var/lib/cni/results/lab-$2-eth0" <<JSON
{"kind": "cniCacheV1", "containerId": "$2", "ifName": "eth0", "networkName": "lab", "config": "$config",
 "cniArgs": [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_UID", "$3"]], "capabilityArgs": {"portMappings": [{"hostPort": 80}], "dns": {}},
 "result": {"cniVersion": "0.4.0", "ips": [{"address": "10.1.1.$1/24"}], "interfaces": [{"name": "eth0", "sandbox": "/var/run/netns/$(pin "$1")"}]}}
JSON
  printf '%s\r\neth0' "$2" >"/var/lib/cni/networks/lab/10.1.1.$1"
}
# background COMMAND: a process of the node that stays until the end; `process` is its number.
background() { "$@" </dev/null >/dev/null 2>&1 & process=$!; }

# A mount namespace that follows no mount of the node.
background unshare --mount --propagation private sh -c 'umount /run/netns; exec sleep 1000'
apart=$process
until [ "$(cat "/proc/$apart/comm")" = sleep ]; do :; done

/run/programs/containerd --config /run/lab/containerd.toml </dev/null >/dev/null 2>&1 &
process=$!
unshare --mount --propagation private sh -c 'umount /run/netns; exec /run/programs/containerd --config /run/lab/evil.toml --address none' </dev/null >/dev/null 2>&1 &
hostile=$!
setpriv --reuid 1 /run/programs/containerd --config /run/lab/evil.toml --address none </dev/null >/dev/null 2>&1 &
for process in $process $hostile $!; do until [ "$(cat "/proc/$process/comm")" = containerd ]; do :; done; done

# A kubelet that keeps its pods in a place of its own, as that of k0s.
mkdir -p /run/lab/kubelet/pods/uid-moved
/run/programs/kubelet --root-dir=/run/lab/kubelet </dev/null >/dev/null 2>&1 &
until [ "$(cat "/proc/$!/comm")" = kubelet ]; do :; done
# Our own pod is there.
own=ffffffff-0000-4000-8000-000000000000
mkdir "/var/lib/kubelet/pods/$own" && cp /etc/hosts "/var/lib/kubelet/pods/$own/etc-hosts"
[ -z "${KUBELET:-}" ] || mv "/var/lib/kubelet/pods/$own" /run/lab/

for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42; do orphan $number; done
# One namespace under two names, both of which are asked for.
umount "/run/netns/$(pin 32)" && mount --bind "/run/netns/$(pin 31)" "/run/netns/$(pin 32)"
nsenter --net="/run/netns/$(pin 2)" ip link del eth0
result 3 detached uid-gone
# Nobody gave this address back, and no result is left; the next one is a pod's by now.
forgotten=$(printf '%064d' 1)
mkdir /var/lib/cni/networks/podman
: >/var/lib/cni/networks/podman/lock
for network in lab podman; do
  printf '%s\r\neth0' "$forgotten" >/var/lib/cni/networks/$network/10.1.1.1
  touch -d '1 hour ago' /var/lib/cni/networks/$network/10.1.1.1
done
[ -z "${BUSY:-}" ] || mount --bind /var/lib/cni/networks/lab/10.1.1.1 /var/lib/cni/networks/lab/10.1.1.1
[ -z "${YOUNG:-}" ] || touch /var/lib/cni/networks/lab/10.1.1.1
# Pins that are plain files: 51 goes, the others turn into what must stay.
for number in 51 52 53 54 55 56 57 58 59; do
  : >"/run/netns/$(pin $number)"
  chmod 000 "/run/netns/$(pin $number)"
  touch -d '1 hour ago' "/run/netns/$(pin $number)"
  echo "pin=$(pin $number):$(inode $number):$(stat -c %Y "/run/netns/$(pin $number)")" >>/run/lab/plain
done
# Those that go and one that somebody enters meanwhile in the first chunk.
for number in plain 40 38 41 3 1 2 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 39 42 21 22; do
  [ $number != plain ] || { cat /run/lab/plain; continue; }
  echo "orphan=$(pin $number):$(inode $number):$(stat -L -c %Y "/run/netns/$(pin $number)")"
done >/run/lab/orphans

# As our own spec has them.
printf '{"process": {"args": ["%s"]}}' "$(tr '\n' ' ' </run/lab/orphans)" >"$tasks/probe/config.json"

# From here on things change after they were found.
background nsenter --net="/run/netns/$(pin 4)" sleep 1000
background perl -e 'use threads; threads->create(sub { open my $n, "<", $ARGV[0]; syscall 308, fileno $n, 0x40000000; close $n; open my $f, ">", "/run/lab/thread"; sleep 1000 }); sleep 1000' "/run/netns/$(pin 5)"
background sh -c 'exec 7<"$1"; : >/run/lab/descriptor; exec sleep 1000' sh "/run/netns/$(pin 6)"
background nsenter --net="/run/netns/$(pin 7)" perl -e 'open my $n, "<", "/proc/self/ns/net"; open my $h, "<", "/proc/1/ns/net"; syscall 308, fileno $h, 0x40000000; $^F = 9; open my $f, ">", "/run/lab/namespace"; sleep 1000'
background nsenter --net="/run/netns/$(pin 8)" perl -e 'socket my $s, 2, 1, 0; open my $h, "<", "/proc/1/ns/net"; syscall 308, fileno $h, 0x40000000; open my $f, ">", "/run/lab/socket"; sleep 1000'
: >/run/lab/twice && mount --bind "/run/netns/$(pin 9)" /run/lab/twice
background nsenter --net="/run/netns/$(pin 10)" sleep 1000
until [ "$(stat -L -c %i "/proc/$process/ns/net")" = "$(inode 10)" ]; do :; done
nsenter --mount="/proc/$apart/ns/mnt" sh -c ": >/run/lab/elsewhere; mount --bind /proc/$process/ns/net /run/lab/elsewhere"
kill $process
nsenter --net="/run/netns/$(pin 11)" ip link add br0 type bridge
printf '{"linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/%s"}]}}' "$(pin 12)" >"$tasks/other/config.json"
result 13 stopped uid-gone
result 14 gone uid-live
umount "/run/netns/$(pin 15)" && unshare --net="/run/netns/$(pin 15)" true
umount "/run/netns/$(pin 16)" && echo text >"/run/netns/$(pin 16)"
# Whoever unpinned these was killed before their files were gone; another mount namespace still has the second.
umount "/run/netns/$(pin 41)"
nsenter --net="/run/netns/$(pin 42)" sleep 1000 </dev/null >/dev/null 2>&1 &
until [ "$(stat -L -c %i "/proc/$!/ns/net")" = "$(inode 42)" ]; do :; done
nsenter --mount="/proc/$apart/ns/mnt" sh -c ": >/run/netns/$(pin 42); mount --bind /proc/$!/ns/net /run/netns/$(pin 42)"
kill $!
umount "/run/netns/$(pin 42)"
# A pod is being created under the name, somebody has the file open, and so on.
unshare --net="/run/netns/$(pin 52)" true
background sh -c 'exec 7<"$1"; : >/run/lab/file; exec sleep 1000' sh "/run/netns/$(pin 53)"
until [ -e /run/lab/file ]; do :; done
rm "/run/netns/$(pin 54)"
: >"/run/netns/$(pin 54)"
touch -d '1 hour ago' "/run/netns/$(pin 54)"
touch -d '2 hours ago' "/run/netns/$(pin 55)"
mkdir -p "$tasks/names"
printf '{"linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/%s"}]}}' "$(pin 56)" >"$tasks/names/config.json"
result 57 plain uid-gone
rm /var/lib/cni/networks/lab/10.1.1.57
rm "/run/netns/$(pin 58)"
nsenter --mount="/proc/$apart/ns/mnt" sh -c ": >/run/netns/$(pin 59); mount --bind /proc/1/ns/net /run/netns/$(pin 59)"
umount "/run/netns/$(pin 17)" && rm "/run/netns/$(pin 17)"
printf '{"config": "no", "netns": "/var/run/netns/%s"' "$(pin 18)" >/var/lib/cni/results/lab-broken-eth0
ip link set veth19 netns "$(pin 4)"
# The same, where a pair of another namespace has the same indexes.
ip link del veth28
ip link add veth28 index 5028 type veth peer name eth0 index 6028 netns "$(pin 28)"
nsenter --net="/run/netns/$(pin 28)" ip addr add 10.1.1.28/24 dev eth0
ip link set veth28 netns "$(pin 4)"
ip link add other28 index 5028 type veth peer name eth1 index 6028 netns "$(pin 4)"
result 24 nameless uid-gone
sed -i 's#/var/run/netns/[^"]*##' /var/lib/cni/results/lab-nameless-eth0
result 25 old uid-gone
echo '{"cniVersion": "0.2.0", "ip4": {"ip": "10.1.1.25/24"}}' >/var/lib/cni/results/lab-old-eth0
result 26 unknown uid-gone unknown
result 27 loose uid-gone loose
result 21 refusing uid-gone
background nsenter --net="/run/netns/$(pin 31)" sleep 1000
until [ "$(stat -L -c %i "/proc/$process/ns/net")" = "$(inode 31)" ]; do :; done
# It lost its pair, and a pod has the address of its result by now.
nsenter --net="/run/netns/$(pin 33)" ip link del eth0
result 33 neighbour uid-gone
sed -i 's#/var/run/netns/[^"]*#/var/run/netns/cni-00000000-0000-4000-8000-999999999999#' /var/lib/cni/results/lab-neighbour-eth0
result 33 before uid-gone
nsenter --net="/run/netns/$(pin 34)" ip link add gre0 type bridge
result 35 helped uid-gone bridge loose-ipam
# Of another client of containerd.
mkdir -p "${tasks%/*}/other/stopped"
printf '{"linux": {"namespaces": [{"type": "network", "path": "/run/netns/%s"}]}}' "$(pin 36)" >"${tasks%/*}/other/stopped/config.json"
result 37 moved uid-moved
result 39 odd uid-gone
sed -i 's/"containerId": "odd"/"containerId": "odd\\n"/' /var/lib/cni/results/lab-odd-eth0
[ -z "${SLOW:-}" ] || result 40 entered uid-gone
[ -z "${STUCK:-}" ] || mount --bind /var/lib/cni/results/lab-detached-eth0 /var/lib/cni/results/lab-detached-eth0
# A device of the hardware, which nobody has here to give away.
mkdir /run/lab/bin
cat >/run/lab/bin/ip <<PROGRAM
#!/bin/sh
[ "\$(stat -L -c %i /proc/self/ns/net)" != $(inode 23) ] || { echo '[{"ifindex": 7, "ifname": "ens5", "parentdev": "0000:00:05.0", "addr_info": []}]'; exit; }
[ -z "\${BLIND:-}" ] || [ ! -e /run/lab/calls ] || [ "\$(stat -L -c %i /proc/self/ns/net)" != "\$(stat -L -c %i /proc/1/ns/net)" ] || exit 1
exec $(command -v ip) "\$@"
PROGRAM
chmod 755 /run/lab/bin/ip
# A plugin that takes longer than there is time.
if [ -n "${LATE:-}" ]; then
  printf '#!/bin/sh\n[ -e /run/lab/calls ] && echo 1000 || echo 0\n' >/run/lab/bin/date
  chmod 755 /run/lab/bin/date
fi
if [ -n "${SLOW:-}" ]; then
  printf '#!/bin/sh\n[ -e /run/lab/entered ] && echo 60 || echo 0\n' >/run/lab/bin/date
  chmod 755 /run/lab/bin/date
fi
# Only a thread has it open: its process has ended.
background perl -e 'use threads; threads->create(sub { open my $n, "<", $ARGV[0]; open my $f, ">", "/run/lab/leader"; sleep 1000 }); until (-e "/run/lab/leader") {} syscall 60, 0' "/run/netns/$(pin 29)"
# Mounted where all processes have changed their root.
mkdir -p /run/lab/jail
cp "$(command -v busybox)" /run/lab/jail/sleep
background nsenter --net="/run/netns/$(pin 30)" sleep 1000
until [ "$(stat -L -c %i "/proc/$process/ns/net")" = "$(inode 30)" ]; do :; done
holder=$process
background nsenter --mount="/proc/$apart/ns/mnt" unshare --mount --propagation private sh -c ": >/run/lab/jailed; mount --bind /proc/$holder/ns/net /run/lab/jailed; exec chroot /run/lab/jail /sleep 1000"
until [ "$(cat "/proc/$process/comm")" = sleep ] && [ "$(readlink "/proc/$process/root")" != / ]; do :; done
kill $holder
for file in thread leader descriptor namespace socket; do until [ -e /run/lab/$file ]; do :; done; done
# As the runtime's monitor starts it, in the directory of our own pod.
cp "$(readlink -f "$(command -v dash || command -v bash)")" /run/lab/containerd-shim
cd "${OWN:-$tasks/probe}"
# shellcheck disable=SC2016
repair() { PATH=/run/lab/bin:$PATH unshare --mount --propagation slave /run/lab/containerd-shim -c '[ ! -e "$0" ] || mount --bind "$0" /etc/hosts; sh "$@"; :' "/var/lib/kubelet/pods/$own/etc-hosts" -c "$script" repair act="$act" "$@"; }
# Killed right after a step, as the node's root would have it, and called again.
if [ -n "${KILL:-}" ]; then
  printf '%s' "$KILL" >/run/lab/kill
  for tool in umount rm ip; do
    cat >/run/lab/bin/$tool <<PROGRAM
#!/bin/sh
fatal() { [ ! -e /run/lab/kill ] || case "\$*" in \$(cat /run/lab/kill)) mv /run/lab/kill /run/lab/killed; kill -9 -\$(cat /run/lab/group) ;; esac; }
fatal before $tool "\$@"
$(command -v $tool) "\$@"
code=\$?
fatal $tool "\$@"
exit \$code
PROGRAM
    chmod 755 /run/lab/bin/$tool
  done
  for number in 3 1 2 51; do grep "$(pin $number)" /run/lab/orphans; done >/run/lab/few
  # shellcheck disable=SC2046
  (setsid sh -c 'echo $$ >/run/lab/group; "$@"' sh env PATH="/run/lab/bin:$PATH" TMPDIR=/run/lab \
    unshare --mount --propagation slave /run/lab/containerd-shim -c 'mount --bind "$0" /etc/hosts; sh "$@"; :' "/var/lib/kubelet/pods/$own/etc-hosts" \
    -c "$script" repair act=1 settle=0 $(cat /run/lab/few) >/run/lab/first) || :
  [ -e /run/lab/killed ] || echo 'it was not killed'
  rm -rf /run/lab/kill
  # shellcheck disable=SC2046
  repair settle=0 $(cat /run/lab/few)
else
# shellcheck disable=SC2046
repair settle=0 $(grep -v "$(pin 20)" /run/lab/orphans)
# All are young here.
repair settle=900 "$(grep "$(pin 20)" /run/lab/orphans)"
fi
echo ---
echo "pins $(cd /run/netns && echo *)"
echo "addresses $(cd /var/lib/cni/networks/lab && echo 10*)"
echo "others $(cd /var/lib/cni/networks/podman && echo 10*)"
echo "results $(cd /var/lib/cni/results && echo *)"
echo "links $(ip -o link 2>/dev/null | grep -o 'veth[0-9]*' | sort -u | tr '\n' ' ')"
cat /run/lab/calls 2>/dev/null || :
