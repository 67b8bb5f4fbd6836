# As a path, as our own arguments are in a spec, too.
pin='netns/cni-[0-9a-f]\{8\}-[0-9a-f]\{4\}-[0-9a-f]\{4\}-[0-9a-f]\{4\}-[0-9a-f]\{12\}'

# What the runtime knows at this moment: `named`, the pins that the specs of its containers name; `known`, the ids of its
# containers and of its sandboxes in any state. False where our own pod is not among them: then this is not all there is.
runtime_knows() {
  containers >containers.now
  cut -f 4 containers.now | each grep -ohs "$pin" | sed 's#.*/##' | sort -u >named
  settings=$(cat containerd)
  {
    cut -f 2 containers.now
    { setting root; echo /var/lib/containerd; } | sort -u | while read -r dir; do
      host "$dir"
      for id in "$path"/io.containerd.grpc.v1.cri/sandboxes/*; do lines "${id##*/}"; done
    done
  } | sort -u >known
  case $monitor in
    conmon*) own=$(argument "/proc/$PPID" '--cid\|-c') ;;
    *) own=$(readlink "/proc/$PPID/cwd") ;;
  esac
  [ -n "$own" ] && grep -qxF -e "${own##*/}" known
}

# `cached`: which results of the CNI plugins name which of the namespaces of `chunk`. `results`: a line for each plugin of each that
# can be read, the last plugin first, as it is to be undone.
plugins_know() {
  host /var/lib/cni
  for file in "$path"/results/* "$path"/cache/results/* $R/run/cni/results/*; do [ -f "$file" ] && lines "$file"; done >result-files
  each grep -oHsF -f names <result-files | sort -u >cached
  sed 's/:[^:]*$//' cached | sort -u >result-files
  undoing='
    <results.jq>'
  # jq ends at what is no JSON, and one such result is no reason to know nothing of the others.
  each jq -r "$undoing" <result-files >results || each -n 1 jq -r "$undoing" <result-files >results || :
}

# Directories of the plugins, as the runtime has them.
plugin_directories() {
  settings=$(cat containerd)
  directories=$(setting 'bin_dirs?')
  if [ -f crio.settings ] && { [ "${monitor#conmon}" != "$monitor" ] || [ ! -s containerd ]; }; then
    settings=$(cat crio.settings)
    directories=$(setting 'plugin_dirs?')
  fi
  directories=${directories:-/opt/cni/bin /usr/libexec/cni /usr/lib/cni}
}
