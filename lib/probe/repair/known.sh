pin='cni-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

# The programs with the mounts of the node or of our runtime. A pod may be root, share the node's pids and run a
# program with such a name, and the programs found here decide which plugins are run.
programs() {
  sed -n "s/^$1 //p" programs | while read -r program; do
    if [ "$program/ns/mnt" -ef /proc/1/ns/mnt ] || [ "$program/ns/mnt" -ef "$M/ns/mnt" ]; then lines "$program"; fi
  done
}

# Reads file names on stdin, and prints FILE, tab and WORD for each match of $1. Fails, with the reason in `errors`, if a
# file that still exists cannot be read.
mentions() {
  perl -e '
    <mentions.pl>' "$1" 2>errors
}

# Prints the name of each namespace on stdin, and the number that the node's own namespace has for it.
numbers() {
  perl -e '
    <nsids.pl>' "$M"
}

# Writes `kubelets`: the directories in which the kubelet keeps its pods. Fails, with the reason in `errors`, if our own
# pod is in none of them.
kubelet_knows() {
  { programs kubelet | while read -r process; do argument "$process" --root-dir; done; echo /var/lib/kubelet; } | sort -u | while read -r dir; do
    host "$dir/pods"
    [ ! -d "$path" ] || lines "$path"
  done >kubelets
  # The kubelet mounts files of its own into every pod.
  own=$(sed -n 's#.* [^ ]*/\([0-9a-f-]\{36\}\)/[^ ]* /\(etc/hosts\|dev/termination-log\) .*#\1#p' /proc/self/mountinfo | tail -n 1)
  [ -n "$own" ] && while read -r dir; do [ ! -d "$dir/$own" ] || return 0; done <kubelets
  lines 'the records of the kubelet do not have this very pod' >errors
  return 1
}

# What the runtime knows now. `named`: the pins in the specs of its containers, those of its other clients included.
# `known`: the ids of its containers, and of its sandboxes in any state. Fails, with the reason in `errors`, if not all can be
# read, or if our own pod is not among the sandboxes: then the runtime keeps them elsewhere.
runtime_knows() {
  containers >containers.now
  # Matched as a path, because our own spec contains our arguments.
  {
    cut -f 4 containers.now
    for state in $(states); do lines "$R$state"/io.containerd.runtime.v2.task/*/*/config.json; done
  } | mentions "netns/($pin)" >mentioned || return
  cut -f 2 mentioned | sort -u >named
  settings=$(cat containerd)
  {
    { setting root; echo /var/lib/containerd; } | sort -u | while read -r dir; do
      host "$dir"
      for id in "$path"/io.containerd.grpc.v1.cri/sandboxes/*; do lines "${id##*/}"; done
    done
  } >sandboxes
  cut -f 2 containers.now | sort -u - sandboxes >known
  case $monitor in
    conmon*) own=$(argument "/proc/$PPID" '--cid\|-c') records=known ;;
    *) own=$(readlink "/proc/$PPID/cwd") records=sandboxes ;;
  esac
  [ -n "$own" ] && grep -qxF -e "${own##*/}" $records && return
  lines 'the records of the runtime do not have this very pod' >errors
  return 1
}

# `cached`: which cached results of CNI plugins name which namespaces. `used`: which of them have which addresses.
# `result-files`: those of the namespaces in `names`. Where neither the runtime (containerd 1.6) nor the plugin (Calico) puts the
# namespace into a result, only another result of its container does, that of the loopback: so all of that container count.
# `results`: a line for each plugin of each readable result, in the order in which to undo them: the last plugin first.
plugins_know() {
  host /var/lib/cni
  for file in "$path"/results/* "$path"/cache/results/* $R/run/cni/results/*; do [ -f "$file" ] && lines "$file"; done >all-results
  mentions "($pin)" <all-results >cached || return
  # An address with its mask is matched as text, which covers every format that results ever had.
  mentions '"([0-9a-fA-F.:]+)/[0-9]+"' <all-results >used || return
  # FILE, CONTAINER and NAMESPACE. An argument of a plugin, such as the name of a pod, is none.
  containers_of='. as $of | ([$of.netns, $of.result?.interfaces?[]?.sandbox] | map(strings | sub(".*/"; "")) | unique | .[], "-")
| [input_filename, ($of.containerId | strings | select(. != "")), .] | @tsv'
  each jq -r "$containers_of" <all-results >containers-of 2>errors || each -n 1 jq -r "$containers_of" <all-results >containers-of 2>errors || :
  awk -F "$T" 'FILENAME == "names" { asked[$1]; next } FILENAME == "cached" { if ($2 in asked) print $1; next }
    !again { if ($3 in asked) own[$2]; next } $2 in own { print $1 }' names cached containers-of again=1 containers-of | sort -u >result-files
  undoing='
    <results.jq>'
  # jq stops at invalid JSON, and one broken result must not hide the others.
  each jq -r "$undoing" <result-files >results || each -n 1 jq -r "$undoing" <result-files >results || :
}

# The directories of the plugins and of their configurations, as the runtime sees them.
plugin_directories() {
  settings=$(cat containerd)
  directories=$(setting 'bin_dirs?') configurations=$(setting conf_dir)
  if [ -f crio.settings ] && { [ "${monitor#conmon}" != "$monitor" ] || [ ! -s containerd ]; }; then
    settings=$(cat crio.settings)
    directories=$(setting 'plugin_dirs?') configurations=$(setting network_dir)
  fi
  directories=${directories:-/opt/cni/bin /usr/libexec/cni /usr/lib/cni}
}

# The directories of the runtime's host-local networks. Others belong to podman, nerdctl or other programs.
runtime_networks() {
  for dir in ${configurations:-/etc/cni/net.d}; do
    host "$dir"
    for file in "$path"/*; do
      host "$dir/${file##*/}"
      case $file in *.conf | *.conflist | *.json) jq -r '.name | strings' "$path" 2>answer || : ;; esac
    done
  done >network-names
  networks | awk -F / 'FILENAME == "network-names" { named[$0]; next } $NF in named' network-names -
}
