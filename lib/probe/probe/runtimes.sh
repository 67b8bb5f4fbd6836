# Where the runtimes keep their files, according to their processes and configurations: states of containerd, roots of CRI-O and
# docker, and the CNI directories of the runtime that runs this pod.
job_places() {
  # Docker in a pod has a containerd too, but in the pod's pid namespace; and any process may use such a name. The owner of its
  # files in /proc does not show who runs it (proc(5): root, if it is not dumpable).
  lines /proc/[0-9]*/comm | xargs grep -HsE '^(containerd|containerd-shim|crio|dockerd|kubelet)$' | while IFS=: read -r file name; do
    [ "${file%comm}ns/pid" -ef /proc/1/ns/pid ] && grep -qs "^Uid:${T}0${T}0${T}0${T}0\$" "${file%comm}status" && lines "$name ${file%/comm}"
  done >programs
  # A shim works in its bundle, STATE/io.containerd.runtime.v2.task/NAMESPACE/ID.
  sed -n 's#^containerd-shim \(.*\)#\1/cwd#p' programs | xargs stat -c %N |
    sed -n "s#.* -> '\(/.*\)/io\.containerd\.runtime\.v2\.task/[^/]*/[^/]*'\$#\1#p" | sort -u >states
  for process in $(programs dockerd); do
    root=$(argument "$process" '--data-root\|--graph\|-g')
    config=$(argument "$process" --config-file)
    host "${config:-/etc/docker/daemon.json}"
    [ -n "$root" ] || root=$(sed -n 's/.*"data-root" *: *"\([^"]*\)".*/\1/p' "$path")
    [ -z "$root" ] || lines "$root" >docker
  done
  own_containerd
  : >containerd
  [ -n "$process" ] && {
    lines "$settings"
    root=$(argument "$process" --root)
    [ -z "$root" ] || echo "root = '$root'"
  } >containerd
  process=$(programs crio | head -n 1)
  [ -n "$process" ] || return 0
  crio_settings
  {
    root=$(argument "$process" '--root\|-r')
    [ -n "$root" ] || root=$(setting root)
    run=$(argument "$process" --runroot)
    [ -n "$run" ] || run=$(setting runroot)
    host /etc/containers/storage.conf
    settings=$(toml "$path")
    lines "${root:-$(setting graphroot)}" "${run:-$(setting runroot)}"
  } >crio
}

# Sets `process` and `settings` to the containerd that runs this pod and its configuration: there may be others, of docker or
# for host containers (Bottlerocket, Talos).
own_containerd() {
  address='' silent='' other=''
  [ -z "$monitor" ] || address=$(argument "/proc/$PPID" -address)
  for candidate in $(programs containerd); do
    containerd_settings "$candidate"
    case $(argument "$candidate" '--address\|-a')$settings in
      *"${address:-none}"*) process=$candidate && return ;;
      *containerd.sock*) other=${other:-$candidate} ;;
      *) silent=${silent:-$candidate} ;;
    esac
  done
  process=${silent:-$other}
  [ -z "$process" ] || containerd_settings "$process"
}

# Sets `settings` to the lines in which that containerd is configured where to keep and find things, if there are any.
containerd_settings() {
  config=$(argument "$1" '--config\|-c')
  host "${config:-/etc/containerd/config.toml}"
  settings=$(toml "$path")
  for import in $(setting imports | sed 's#/\*\.toml$##'); do
    host "$import"
    settings=$settings$(echo; toml "$path" "$path"/*.toml)
  done
}

# The same for CRI-O.
crio_settings() {
  config=$(argument "$process" '--config\|-c') additions=$(argument "$process" '--config-dir\|-d')
  host "${config:-/etc/crio/crio.conf}"
  config=$path
  host "${additions:-/etc/crio/crio.conf.d}"
  toml "$config" "$path"/* >crio.settings
  settings=$(cat crio.settings)
}

# State directories of containerd, most likely first.
states() {
  { cat states 2>/dev/null; lines /run/containerd /run/k3s/containerd /run/k0s/containerd /var/snap/microk8s/common/run/containerd; } | awk '!seen[$0]++'
}

# Lines of "ID MARK PID PATH" for every container that the runtimes' files know.
containers() {
  for state in $(states); do
    for dir in "$R$state"/io.containerd.runtime.v2.task/k8s.io/*/; do
      [ -f "$dir/config.json" ] || continue
      pid=-
      [ -f "$dir/init.pid" ] && read -r pid <"$dir/init.pid" || [ -n "$pid" ] || pid=-
      dir=${dir%/}
      printf '%s\t%s\t%s\t%s\n' containerd "${dir##*/}" "$pid" "$dir/config.json"
    done
  done
  crio='' run=''
  [ -f crio ] && { read -r crio; read -r run; } <crio
  host "${crio:-/var/lib/containers/storage}"
  crio=$path
  host "${run:-/run/containers/storage}"
  run=$path
  for dir in "$crio"/*-containers/*/userdata; do
    [ -f "$dir/config.json" ] || continue
    pid=-
    id=${dir%/userdata}
    id=${id##*/}
    file=${dir%/*/userdata}
    file=$run/${file##*/}/$id/userdata/pidfile
    [ -f "$file" ] && read -r pid <"$file" || [ -n "$pid" ] || pid=-
    # CRI-O keeps the specs of stopped sandboxes, and marks them with this file.
    runtime=crio
    [ ! -f "$dir/stopped" ] || runtime=crio-stopped pid=-
    printf '%s\t%s\t%s\t%s\n' $runtime "$id" "$pid" "$dir/config.json"
  done
  root=
  [ -f docker ] && read -r root <docker
  host "${root:-/var/lib/docker}"
  [ -d "$path/containers" ] && grep -Hos '"State":{[^}]*"Pid":[0-9]*' "$path"/containers/*/config.v2.json |
    sed -n -e 's/"Pid":0$/"Pid":-/' -e "s#^\(.*/\([^/]*\)/config\.v2\.json\):.*\"Pid\":\([0-9-]*\)\$#docker${T}\2${T}\3${T}\1#p"
  return 0
}
