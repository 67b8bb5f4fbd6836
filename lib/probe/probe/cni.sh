# The endpoints for which an agent has pinned programs, and its pinned maps: without a process, to look twice at little cost.
program_pins() {
  [ -d "$R/sys/fs/bpf/cilium/endpoints" ] || return 0
  for file in "$R"/sys/fs/bpf/cilium/endpoints/*/links/* "$R"/sys/fs/bpf/tc/globals/cilium_*; do lines "${file#"$R"}"; done
}

job_cni() {
  # The runtime looks only in its own directories; configurations and copies of plugins elsewhere are irrelevant.
  settings=$(cat containerd)
  conf=$(setting conf_dir) own=$(setting 'bin_dirs?')
  if [ -f crio.settings ] && { [ "${monitor#conmon}" != "$monitor" ] || [ ! -s containerd ]; }; then
    settings=$(cat crio.settings)
    conf=$(setting network_dir) own=$(setting 'plugin_dirs?')
  fi
  [ -z "$own" ] || lines "$own" >b/cni/binary-directories
  # shellcheck disable=SC2086
  for dir in ${conf:-/etc/cni/net.d}; do
    host "$dir"
    [ -d "$path" ] || [ -n "$conf" ] || continue
    echo "$dir" >>b/cni/directories
    for file in "$path"/*; do
      name=${file##*/}
      [ ! -L "$file" ] || { host "$dir/$name"; file=$path; }
      [ -f "$file" ] || continue
      case $name in *.conf | *.conflist | *.json) ;; *) continue ;; esac
      jq -c --arg name "$name" --arg dir "$dir" '<cni-config.jq>' "$file" 2>jq.err ||
        jq -nc --arg name "$name" --arg dir "$dir" --rawfile error jq.err '{dir: $dir, file: $name, error: $error[:300]}'
    done
  done >b/cni/config.ndjson
  # shellcheck disable=SC2086
  for dir in ${own:-/opt/cni/bin /usr/libexec/cni /usr/lib/cni}; do
    host $dir
    directory=$path
    [ -d "$directory" ] || continue
    stat -L -c '%A %s %n' "$directory"/* | sed "s#$directory/#$dir/#"
    # Absolute links, such as those of k3s, lead nowhere from here.
    for file in "$directory"/*; do
      [ -L "$file" ] && [ ! -e "$file" ] && host "$dir/${file##*/}" && [ -f "$path" ] &&
        stat -c "%A %s $dir/${file##*/}" "$path"
    done
  done >b/cni/binaries
  # What the agent of this plugin tells it of the node. It needs no link of the host to be followed.
  if [ -f "$R/run/flannel/subnet.env" ]; then
    { echo found; head -c 2000 "$R/run/flannel/subnet.env"; } >b/cni/subnet.env
  else
    echo missing >b/cni/subnet.env
  fi
  program_pins >b/cni/program-pins
  return 0
}

# Where an agent still listens, but the file is gone, so that its plugin does not find it. The node may keep the directory
# elsewhere (MicroK8s), and then only the agent's own root has the path. A job of its own, as that root may not answer.
job_cni_sockets() {
  socket=/var/run/cilium/cilium.sock lost=''
  [ -d "$R/run/cilium" ] && [ ! -S "$R/run/cilium/cilium.sock" ] || return 0
  grep -q " 00010000 .* $socket\$" /proc/1/net/unix || return 0
  for pid in $(awk -F '\t' -v net="$(stat -L -c %i /proc/1/ns/net)" '$2 == net && $8 == "cilium-agent" { print $1 }' b/host/processes); do
    host "$socket" "/proc/$pid/root"
    [ ! -S "$path" ] || return 0
    # Last, as a process that has ended has neither.
    [ -d "${path%/*}" ] && [ "/proc/$pid/ns/net" -ef /proc/1/ns/net ] && lost=1
  done
  [ -z "$lost" ] || lines "$socket" >b/cni/lost-sockets
}

job_cni_results() {
  host /var/lib/cni
  for file in "$path"/results/* "$path"/cache/results/* $R/run/cni/results/*; do
    [ -f "$file" ] || continue
    case $file in */results/cni-loopback-*) ;; *) lines "$file" ;; esac
  done | reduced '<cni-results.jq>' >b/cni/results.ndjson
}
