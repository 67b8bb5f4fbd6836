# Runs as PID 1 of namespaces of its own, before another part that has pods lose a part of their network: builds a node, and has what makes pods, repairs them and
# prints the answer, a line "---", and the network before and after. $1 is the script of the repair, $2 whether it acts.
script=$1 act=$2
set -e
mount --make-rprivate /
mount -t tmpfs run /run
mount -t tmpfs lib /var/lib
mkdir -p /run/netns /run/lab/bin /run/programs /var/lib/cni/results
mount -t tmpfs netns /run/netns
mount --make-shared /run/netns
mount -t sysfs none /sys
tasks=/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p "$tasks/probe" /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/probe
[ -z "${ELSEWHERE:-}" ] || rmdir /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/probe
echo '{}' >"$tasks/probe/config.json"
ip link set lo up
for bridge in cni0 other vlans; do
  ip link add "$bridge" type bridge
  ip link set "$bridge" up
done
ip addr add 10.1.1.254/24 dev cni0

pin() { printf 'cni-00000000-0000-4000-8000-%012d' "$1"; }
link() { printf 'veth%08x' "$1"; }
number() { cat "/sys/class/net/$(link "$1")/ifindex"; }
inode() { stat -L -c %i "/run/netns/$(pin "$1")"; }
inside() { pod=$1; shift; nsenter --net="/run/netns/$(pin "$pod")" "$@"; }
# result NUMBER BRIDGE GATEWAY HAIRPIN [OPTIONS]: what the plugins keep of it.
result() {
  config=$(printf '{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge", "hairpinMode": %s%s}]}' "$4" "${5:-}" | base64 -w 0)
  cat >"/var/lib/cni/results/lab-$1-eth0" <<JSON
{"kind": "cniCacheV1", "containerId": "$1", "ifName": "eth0", "networkName": "lab", "config": "$config", "netns": "/var/run/netns/$(pin "$1")",
 "result": {"cniVersion": "1.0.0", "ips": [{"address": "10.1.1.$1/24", "gateway": "$3", "interface": 2}], "routes": [{"dst": "0.0.0.0/0"}],
 "interfaces": [{"name": "$2"}, {"name": "$(link "$1")"}, {"name": "eth0", "sandbox": "/var/run/netns/$(pin "$1")"}]}}
JSON
}
# pod NUMBER [BRIDGE]: as the bridge plugin makes it with hairpinMode, and a container that runs in it.
pod() {
  : >"/run/netns/$(pin "$1")"
  unshare --net="/run/netns/$(pin "$1")" true
  ip link add "$(link "$1")" type veth peer name eth0 netns "$(pin "$1")"
  ip link set "$(link "$1")" master "${2:-cni0}" up
  ip link set "$(link "$1")" type bridge_slave hairpin on
  inside "$1" sh -c "ip link set lo up; ip link set eth0 up; ip addr add 10.1.1.$1/24 dev eth0; ip route add default via 10.1.1.254"
  result "$1" "${2:-cni0}" 10.1.1.254 true
  mkdir "$tasks/$1"
  nsenter --net="/run/netns/$(pin "$1")" sleep 1000 </dev/null >/dev/null 2>&1 &
  printf '%s' $! >"$tasks/$1/init.pid"
  printf '{"linux": {"namespaces": [{"type": "network", "path": "/var/run/netns/%s"}]}}' "$(pin "$1")" >"$tasks/$1/config.json"
}
lost() { printf 'restore-%s=%s/%s,%s,%s,%s\n' "$3" "$1" "$2" "$(pin "$1")" "$(inode "$1")" "$4" >>/run/lab/asked; }
await() { until inside "$1" ip -o addr show dev eth0 | grep -q 'inet6 .*scope link' && ! inside "$1" ip -o addr | grep -q tentative; do :; done; }

# repair KIND [COMMAND...]: with what was asked for, as the runtime's monitor starts it.
repair() {
  kind=$1
  shift
  cd "$tasks/probe"
  # shellcheck disable=SC2046
  PATH=/run/lab/bin:$PATH TMPDIR=/run/lab "$@" /run/lab/containerd-shim -c 'sh "$@"; :' shim -c "$script" repair settle=300 "total=${TOTAL:-300}" "act=$act" $(sed "s/^restore/$kind/" /run/lab/asked)
}
# killed KIND: with KILL, as far as KILLED says that this is the kind. It is killed right before or after a step, as the node's root would have it; with
# NTH at another than the first such step.
killed() {
  [ -n "${KILL:-}" ] && [ "${KILLED:-restore}" = "$1" ] || return 0
  printf '%s' "$KILL" >/run/lab/kill
  printf '#!/bin/sh\necho $$ >/run/lab/group\nexec "$@"\n' >/run/lab/alone
  chmod 755 /run/lab/alone
  (repair "$1" setsid /run/lab/alone >/run/lab/first) || :
  [ -e /run/lab/killed ] || echo 'it was not killed'
  rm -f /run/lab/kill
}
# finish: `network` prints it. With UNDO as many of the first are taken back as well. What is killed is called again.
finish() {
  mkdir -p /run/lab/bin
  # Not every kernel has bridges that tell VLANs apart. And a program that does not do what it is asked for.
  cat >/run/lab/bin/ip <<PROGRAM
#!/bin/sh
fatal() {
  [ ! -e /run/lab/kill ] || case "\$*" in \$(cat /run/lab/kill))
    echo >>/run/lab/steps
    [ "\$(wc -l </run/lab/steps)" -lt ${NTH:-1} ] || { mv /run/lab/kill /run/lab/killed; kill -9 -\$(cat /run/lab/group); }
    ;;
  esac
}
case "\$*" in ${STUCK:-none}) exit 0 ;; ${FAILS:-none}) echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2 ;; esac
[ "\$*" != '${AT:-none}' ] || { ${AT_DO:-:}; } >/dev/null 2>&1
fatal before "\$@"
if [ "\$*" = '-j -d addr' ]; then
  $(command -v ip) "\$@" | jq -c '(.[] | select(.ifname == "vlans")).linkinfo.info_data.vlan_filtering = 1'
else
  $(command -v ip) "\$@"
fi
code=\$?
fatal after "\$@"
exit \$code
PROGRAM
  chmod 755 /run/lab/bin/ip
  cp "$(readlink -f "$(command -v dash || command -v bash)")" /run/lab/containerd-shim
  network >/run/lab/broken
  killed restore
  repair restore env
  echo ---
  cat /run/lab/before
  echo ---
  network
  [ -n "${UNDO:-}" ] || return 0
  # The other way round, as what was put back later may need what was put back before.
  head -n "$UNDO" /run/lab/asked | sed -n '1!G;h;$p' >/run/lab/reversed
  mv /run/lab/reversed /run/lab/asked
  sh -c "${MEANWHILE:-:}"
  echo ---
  killed undo
  repair undo env
  echo ---
  cat /run/lab/broken
  echo ---
  network
}
