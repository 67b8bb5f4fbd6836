# The probe of netns-auditor: collects raw text about the network namespaces of one node and prints it as
# base64(tar.gz) with a trailer. It never judges, writes nothing on the host, and needs hostPID and hostNetwork.
# POSIX sh, for busybox ash and dash. Arguments: limit=SECONDS total=SECONDS stacks=COUNT active=ping,dns creation=0|1
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
limit=15 total=90 stacks=500 active='' creation=1 lookup=kubernetes.default.svc.cluster.local
for argument; do
  case $argument in
    limit=*) limit=${argument#*=} ;;
    total=*) total=${argument#*=} ;;
    stacks=*) stacks=${argument#*=} ;;
    active=*) active=,${argument#*=}, ;;
    creation=*) creation=${argument#*=} ;;
  esac
done
W=${TMPDIR:-/tmp}/netns-audit.$$
R=/proc/1/root
# All that is written is below this; `b` is what becomes the bundle.
mkdir -p "$W" && cd "$W" && mkdir -p b/host b/netns b/cni b/kernel b/active || exit 1
# The log has both streams, and is to have nothing but the bundle.
exec 2>>b/errors
# Whoever started us is the runtime's monitor of our own container. It sees the pins where the runtime makes them, which
# may be a mount namespace of their own (docs/traps.md T51); anywhere else we look from PID 1.
M=/proc/1 monitor=
read -r name <"/proc/$PPID/comm" && case $name in containerd-shim* | conmon*) monitor=$name ;; esac
[ -z "$monitor" ] || [ "/proc/$PPID/ns/mnt" -ef /proc/1/ns/mnt ] || [ ! -d "/proc/$PPID/root/" ] || M=/proc/$PPID
T='	'

# Each argument as a line; dash's echo would make line ends of what is `\n` or `\012` in a name of a pod's.
lines() { printf '%s\n' "$@"; }

# busybox gives a command 32 kB of arguments at a time by itself, so that there would be four of what one can do.
xargs() { command xargs -s 120000 "$@"; }

# Sets `now` to hundredths of a second since boot: busybox's date has no fractions, and this needs no fork.
clock() {
  read -r now _ </proc/uptime
  now=${now%.*}${now#*.}
}

# host FILE [ROOT]: sets `path` to a host file as seen from here. Absolute symbolic links on the way would lead into our own root
# (docs/traps.md T5): NixOS and k3s have them in the middle of paths.
host() {
  base=${2:-$R} left=$1/ links=0
  path=$base
  while [ -n "${left#/}" ]; do
    left=${left#/} part=${left%%/*} left=${left#*/}
    case $part in '' | .) continue ;; ..) [ "$path" = "$base" ] || path=${path%/*}; continue ;; esac
    if [ -L "$path/$part" ] && [ $links -lt 20 ]; then
      links=$((links + 1)) target=$(readlink "$path/$part") left=$target/$left
      case $target in /*) path=$base ;; esac
    else
      path=$path/$part
    fi
  done
}

# The /proc directories of the node's own processes of that name, as job_places has listed them.
programs() { sed -n "s/^$1 //p" programs; }

# argument PROCESS NAMES: the value of a flag on its command line, by its names as sed has them.
argument() { tr '\0' '\n' <"$1/cmdline" | sed -n -e "/^\($2\)\$/{n;p;}" -e "s/^\($2\)=//p" | tail -n 1; }

# each COMMAND: runs it on the files on stdin, one a line, if there are any.
each() { tr '\n' '\0' | xargs -0r "$@"; }

# toml FILES: without comments, with each list in one line, and with no `root` but that of the runtime itself: plugins have theirs.
toml() {
  for file; do echo '[]'; cat "$file"; done 2>/dev/null | awk '{ sub(/#.*/, "") }
    open { line = line " " $0; if (/\]/) { print line; open = 0 } next }
    /^[ \t]*\[/ { table = !/\[ *(crio)? *\]/ }
    table && /^[ \t]*root[ \t]*=/ { next }
    /=[ \t]*\[/ && !/\]/ { line = $0; open = 1; next } { print }'
}

# setting NAME: the paths of it in `settings`, of which the last that has any counts.
setting() { lines "$settings" | grep -E "^[ $T]*$1[ $T]*=.*/" | tail -n 1 | grep -o '/[^"'"'"', ]*'; }

# Where the runtimes keep things, as their processes and their configurations say: states of containerd, roots of CRI-O and
# docker, and of the runtime that runs this very pod the directories of the CNI.
job_places() {
  # Docker in a pod has a containerd too, but in a pid namespace of the pod.
  lines /proc/[0-9]*/comm | xargs grep -HsE '^(containerd|containerd-shim|crio|dockerd|kubelet)$' | while IFS=: read -r file name; do
    [ "${file%comm}ns/pid" -ef /proc/1/ns/pid ] && lines "$name ${file%/comm}"
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

# Sets `process` and `settings` to the containerd that runs this pod and what it was told: there may be others, of docker or
# for containers of the host (Bottlerocket, Talos).
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

# Sets `settings` to the lines in which that containerd is told where it keeps and finds things, if it is.
containerd_settings() {
  config=$(argument "$1" '--config\|-c')
  host "${config:-/etc/containerd/config.toml}"
  settings=$(toml "$path")
  for import in $(setting imports | sed 's#/\*\.toml$##'); do
    host "$import"
    settings=$settings$(echo; toml "$path" "$path"/*.toml)
  done
}

# The same of CRI-O.
crio_settings() {
  config=$(argument "$process" '--config\|-c') additions=$(argument "$process" '--config-dir\|-d')
  host "${config:-/etc/crio/crio.conf}"
  config=$path
  host "${additions:-/etc/crio/crio.conf.d}"
  toml "$config" "$path"/* >crio.settings
  settings=$(cat crio.settings)
}

# States of containerd, in the order of what is most likely.
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
    # CRI-O keeps the specs of sandboxes that it has stopped, and marks them with this file.
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

# What of a runtime spec leaves the node: ids, CRI annotations and namespace paths; no environment, no arguments.
spec='
def kept: . as $all | reduce ("cri.container-type cri.container-name cri.sandbox-id cri.sandbox-name cri.sandbox-namespace cri.sandbox-uid " +
  "cri-o.ContainerType cri-o.ContainerName cri-o.SandboxID cri-o.HostNetwork cri-o.RuntimeHandler " +
  "container.name pod.name pod.namespace pod.uid docker.type sandbox.id" | split(" ")[] | "io.kubernetes." + .) as $key
  ({}; if $all[$key] | type == "string" then .[$key] = $all[$key] else . end);
if .Config then {file: input_filename, annotations: (.Config.Labels // {} | kept), namespaces: [],
  docker: {running: .State.Running, pid: .State.Pid, created: .Created, path: .NetworkSettings.SandboxKey,
    networkMode: (.HostConfig.NetworkMode // (.NetworkSettings.Networks // {} | keys[0]))}}
else {file: input_filename, annotations: (.annotations // {} | kept),
  namespaces: [.linux.namespaces[]? | select(.type == "network" or .type == "pid" or .type == "user")
    | {type, path: (.path // null)}]} end'

# Runs the jq program $1, whose answers begin with `{"file":"PATH",`, over the files named on stdin. jq goes on after a file
# that vanished, and ends at a malformed one: of those that one jq was given, the first without an answer is that. Of the
# rest, what ends in no brace was cut short; the others are read anew, in smaller and smaller groups of one jq each.
reduced() {
  cat >files
  : >bad
  size=9999
  while [ -s files ]; do
    each -n $size jq -c "$1" <files | tee reduced
    : >left
    awk -v size=$size 'BEGIN { while ((getline line < "reduced") > 0) { split(line, part, "\""); answered[part[4]] } }
      !($0 in answered) { group = int((NR - 1) / size); print >>((group in found) ? "left" : "bad"); found[group] }' files
    each grep -Ls '}[[:space:]]*$' <left >>bad
    each grep -ls '}[[:space:]]*$' <left >files
    size=$((size / 9 + 9))
  done
  [ ! -s bad ] || each ls <bad | jq -Rc '{file: ., error: "not readable as JSON"}'
}

# The end of it only: on large nodes the whole is larger than any file here may be.
job_kernel_log() {
  { dmesg || echo "$?" >dmesg.failed; } | tail -c 262144 >b/kernel/log
  [ ! -f dmesg.failed ]
}

job_host_facts() {
  {
    for name in hostname osrelease random/boot_id; do
      read -r value <"/proc/sys/kernel/$name" && echo "${name##*/}=$value"
    done
    echo "pid=$$"
    stat -L -c '%n=%i' /proc/1/ns/net /proc/1/ns/pid /proc/1/ns/mnt /proc/self/ns/net /proc/self/ns/mnt
  } >b/host/facts
  cat $R/etc/os-release >b/host/os-release 2>/dev/null || cat $R/usr/lib/os-release >b/host/os-release
  node_links >b/host/links.before
}

# Pods come and go while this runs. What they are known by is read first and last (sandboxes, links) or twice in between
# (pins, mounts, reservations): only what stood both times is judged.

# Links of the node as `INDEX: NAME`.
node_links() { nsenter --net=/proc/1/ns/net ip -o link show | cut -d : -f 1,2; }

job_containers() { containers >b/sandboxes.before; }

job_kernel_state() {
  (cd /proc/sys && grep -s . user/max_net_namespaces fs/mount-max fs/may_detach_mounts \
    net/ipv4/ip_forward net/ipv[46]/neigh/default/gc_thresh* net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_count \
    net/ipv4/conf/*/forwarding net/ipv4/conf/*/proxy_arp net/ipv6/conf/all/forwarding \
    net/ipv6/conf/default/forwarding) | sed s#^#/proc/sys/# >b/kernel/sysctl
  for family in arp ndisc; do
    [ -f /proc/net/stat/${family}_cache ] && sed "s/^/$family /" /proc/net/stat/${family}_cache
  done >b/kernel/neighbours
  grep '^net_namespace ' /proc/slabinfo >b/kernel/slab
  return 0
}

# What the next three jobs are for, in one walk through /proc by one process, which takes half of the time. What it does
# not write is left to them.
job_walk() {
  perl -e '
    # Before the limit of this job, as whoever runs us would not end us.
    alarm 9;
    sub text { open my $file, "<", $_[0] or return ""; sysread $file, my $text, 65536; $text // "" }
    # One at a time: a process may have a million descriptors.
    sub each_of { my ($directory, $act) = @_;
      opendir my $entries, $directory or return;
      while (defined(my $name = readdir $entries)) { $act->($name) if $name =~ /^[0-9]/ } }
    sub inode { (readlink $_[0] // "") =~ /(\d+)/ ? $1 : "" }
    $SIG{XFSZ} = "IGNORE";
    sub keep { my ($path, $text) = @_; open my $file, ">", "walked" or die; print $file $text and close $file and rename "walked", $path or die }
    my ($processes, $threads, $blocked, $sockets, $descriptors, @doubtful) = ("", "", "", "", "");
    each_of("/proc", sub { my $pid = shift; my $at = "/proc/$pid";
      my @inodes = map inode("$at/ns/$_"), "net", "pid", "mnt";
      my $stat = text("$at/stat");
      $stat =~ /\((.*)\) ([^)]*)$/s or return;
      my ($command, @field) = ($1, split / /, $2);
      if ("@inodes" ne "  " and $field[0] =~ /^[^ZX]/ and $field[0] eq "D" || $pid != 2 && $field[1] != 2) {
        my $cgroup = "";
        for (split /\n/, text("$at/cgroup")) { s/^[^:]*:[^:]*://; $cgroup = $_ if length > length $cgroup }
        tr/\t\n/ / for $command, $cgroup;
        $processes .= join("\t", $pid, @inodes, $field[0], $field[19], $cgroup, $command) . "\n" }
      each_of("$at/task", sub { my $task = shift;
        my $own = $task == $pid ? $inodes[0] : inode("$at/task/$task/ns/net");
        $threads .= "$pid\t$task\t$own\n" if $own ne $inodes[0] and $own ne "";
        $blocked .= "$pid $task\n" if ($task == $pid ? $stat : text("$at/task/$task/stat")) =~ /\) D [^)]*$/ });
      each_of("$at/fd", sub { my $number = shift; my $path = readlink "$at/fd/$number" or return;
        if ($path =~ /^socket:\[(\d+)/) { $sockets .= "$pid $1\n" }
        elsif ($path =~ /^net:\[(\d+)\]\z/) { $descriptors .= "$pid\t$number\t$1\n" }
        elsif ($path eq "/" or $path =~ m{/netns/}) { push @doubtful, [$pid, $number] } }) });
    $processes =~ /^1\t/m or die;
    keep("b/host/processes", $processes);
    keep("blocked", $blocked);
    keep("b/host/threads", $threads);
    # This may wait for a file system that does not answer.
    my $nsfs = (stat "/proc/self/ns/net")[0];
    for (@doubtful) { my ($pid, $number) = @$_; my ($device, $inode) = stat "/proc/$pid/fd/$number";
      $descriptors .= "$pid\t$number\t$inode\n" if $inode and $device == $nsfs }
    keep("b/host/descriptors", $descriptors);
    # Of the most that there may be: without it only nobody can be suspected.
    keep("sockets", $sockets)'
}

# One line a process: pid, inodes of its network, pid and mount namespace, state, start, cgroup, command. Kernel threads
# only when they are blocked; nothing that has ended and waits to be reaped. /proc/PID/cmdline is not read: it can block on the memory lock of a stuck process.
job_processes() {
  [ ! -f b/host/processes ] || return 0
  lines /proc/[0-9]*/ns/net /proc/[0-9]*/ns/pid /proc/[0-9]*/ns/mnt | xargs stat -L -c '%i %n' 2>/dev/null | awk '
    { split($2, part, "/"); pid = part[3]; inode[pid, part[5]] = $1; if (!(pid in seen)) { seen[pid] = 1; order[++count] = pid } }
    END { for (i = 1; i <= count; i++) {
      pid = order[i]; file = "/proc/" pid "/stat"; line = ""; while ((getline more < file) > 0) line = line " " more; close(file)
      if (!match(line, /\)[^)]*$/)) continue
      open = index(line, "("); command = substr(line, open + 1, RSTART - open - 1); split(substr(line, RSTART + 2), field, " ")
      if (((pid == 2 || field[2] == 2) && field[1] != "D") || field[1] == "Z" || field[1] == "X") continue
      file = "/proc/" pid "/cgroup"; cgroup = ""
      while ((getline line < file) > 0) { sub(/^[^:]*:[^:]*:/, "", line); if (length(line) > length(cgroup)) cgroup = line }
      close(file); gsub(/\t/, " ", command); gsub(/\t/, " ", cgroup)
      printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", pid, inode[pid, "net"], inode[pid, "pid"], inode[pid, "mnt"], field[1], field[20], cgroup, command
    } }' >b/host/processes
}

# Threads in another network namespace than their process, and the stacks of blocked tasks.
job_threads() {
  [ -f b/host/threads ] || lines /proc/[0-9]*/task/[0-9]*/ns/net | xargs stat -L -c '%i %n' 2>/dev/null | awk -v blocked=blocked '
    { split($2, part, "/"); pid = part[3]; task = part[5]; if (pid == task) leader[pid] = $1; else other[pid, task] = $1
      file = "/proc/" pid "/task/" task "/stat"; line = ""; while ((getline more < file) > 0) line = line " " more; close(file)
      if (match(line, /\) D [^)]*$/)) print pid, task > blocked }
    END { for (key in other) { split(key, part, SUBSEP)
      if (other[key] != leader[part[1]]) printf "%s\t%s\t%s\n", part[1], part[2], other[key] } }' >b/host/threads
  [ -s blocked ] && head -n 50 blocked | while read -r pid task; do
    read -r command <"/proc/$pid/task/$task/comm" && lines "# $pid $task $command" && cat "/proc/$pid/task/$task/stack"
  done >b/kernel/blocked
  return 0
}

# Descriptors of network namespaces. One that was opened by the path of a pin is shown as that path, or as `/` once the
# pin is unmounted; only a look at the file then tells.
job_descriptors() {
  [ ! -f b/host/descriptors ] || return 0
  lines /proc/[0-9]*/fd/* | xargs stat -c '%N' 2>/dev/null | awk -v sockets=sockets -v pinned=pinned '
    { gsub(/\047/, "") }
    # Paths of open files may have line ends, and so whatever lines a container likes.
    $1 !~ /^\/proc\/[0-9]+\/fd\/[0-9]+$/ { next }
    { split($1, part, "/")
      if ($3 ~ /^net:\[[0-9]+\]$/) printf "%s\t%s\t%s\n", part[3], part[5], substr($3, 6, length($3) - 6)
      else if (index($3, "socket:[") == 1) print part[3], substr($3, 9, length($3) - 9) > sockets
      else if ($3 == "/" || $3 ~ /\/netns\//) print $1 > pinned }' >b/host/descriptors
  code=$?
  [ -f pinned ] && {
    xargs stat -L -f -c 'fs %t %n' <pinned
    xargs stat -L -c 'file %i %n' <pinned
  } 2>/dev/null | awk '$1 == "fs" && $2 == "6e736673" { nsfs[$3] = 1 }
    $1 == "file" && ($3 in nsfs) { split($3, part, "/"); printf "%s\t%s\t%s\n", part[3], part[5], $2 }' >>b/host/descriptors
  return $code
}

# Of the runtime's mounts (PID 1's, as a rule) those of namespaces, of pin directories and of their parents, and how many there are.
job_mounts() {
  awk '{ for (i = 7; $i != "-" && i < NF; i++); type = $(i + 1); total++ }
    type == "nsfs" || $5 ~ /^\/(run|var|var\/run|var\/lib|var\/lib\/cni)?$/ || $5 ~ /\/netns$/ { print }
    END { print "total " total }' $M/mountinfo >b/host/mounts
  [ -f b/host/processes ] || return 1
  # One process of each other mount namespace that holds network namespaces. Copies that follow mounts which are there say
  # nothing, and each agent has one of every pin.
  awk -F '\t' -v first="$(stat -L -c %i $M/ns/mnt)" '$4 != first && !seen[$4]++ { print "/proc/" $1 "/mountinfo" }' b/host/processes |
    xargs grep -lsF ' - nsfs ' | awk -F / -v processes=b/host/processes -v own=b/host/mounts '
    BEGIN { while ((getline line < processes) > 0) { split(line, w, "\t"); mounts[w[1]] = w[4] }
      while ((getline line < own) > 0) { split(line, w, " "); there[w[4]] = 1 } }
    { while ((getline line < $0) > 0) if (index(line, " - nsfs ") && index(line, " net:[")) {
        split(line, w, " "); peers = ""
        for (k = 7; w[k] != "-"; k++) peers = peers " " w[k]
        if (!index(peers, "master:") || !(w[4] in there)) printf "%s\t%s\t0 0 0 %s %s 0%s - nsfs\n", $3, mounts[$3], w[4], w[5], peers }
      close($0) }' >b/host/mounts-elsewhere
}

# Files in pin directories, through PID 1's root: a clone of the mount shows late pins as plain files.
# One line a file: magic of the file system, inode, mode, modification time, path on the host.
job_pins() {
  pin_directories
  pin_files >b/host/pins
}

# Where pins are: in the usual places, in directories `netns` that have namespaces mounted, and where the sandboxes say. Of
# another directory only those files are read that a sandbox names.
pin_directories() {
  sed -n -e 's#.*"type":"network","path":"\(/[^"]*\)".*#\1#p' -e 's#.*"docker":{.*"path":"\(/[^"]*\)".*#\1#p' b/sandboxes.ndjson | grep -v '^/proc/' | sort -u >named
  : >named.elsewhere
  {
    lines /run/netns /run/docker/netns /run/containerd/io.containerd.grpc.v1.cri/netns
    awk '$4 ~ /^net:/ && $5 ~ /\/netns\/[^\/\\]*$/ && / - nsfs / { sub(/\/[^\/]*$/, "", $5); if (!seen[$5]++) print $5 }' $M/mountinfo
    sed 's#/[^/]*$##' named | sort -u | while read -r dir; do
      host "$dir" $M/root
      path=${path#$M/root}
      printf '%s\t%s\n' "$dir" "$path" >>b/sandboxes.places
      case $path in
        */netns) lines "$path" ;;
        *) awk -v dir="$dir/" -v real="$path/" 'index($0, dir) == 1 { name = substr($0, length(dir) + 1); if (name !~ /\//) print real name }' named >>named.elsewhere ;;
      esac
    done
  } | awk '!seen[$0]++' >pin-directories
}

pin_files() {
  {
    while read -r dir; do
      [ -d "$M/root$dir" ] && lines "$M/root$dir"/*
    done <pin-directories
    sed "s#^#$M/root#" named.elsewhere
  } >pins
  grep -v '/\*$' pins >pins.found || return 0
  {
    each stat -f -c 'fs %t %n' <pins.found
    each stat -c 'file %i %A %Y %n' <pins.found
  } | sed "s#$M/root/#/#"
}

# The file that the kubelet gives to pods with dnsPolicy Default: its flag, else its configuration, else /etc/resolv.conf.
# A kubelet inside of another process (k3s) makes up its own where that one will not do.
job_node_resolv_conf() {
  process=$(programs kubelet | head -n 1)
  [ -n "$process" ] || return 0
  conf=$(argument "$process" --resolv-conf)
  # A kubelet may be a container itself (Talos, RKE): its files are those that it sees.
  if [ -z "$conf" ]; then
    config=$(argument "$process" --config)
    host "${config:-/var/lib/kubelet/config.yaml}" "$process/root"
    config=$path
    # Files in its directory of additions come later and win; without one, the pattern leads nowhere.
    additions=$(argument "$process" --config-dir)
    host "${additions:-/var/lib/kubelet/config.yaml}" "$process/root"
    conf=$(cat "$config" "$path"/*.conf 2>/dev/null | sed -n "s/^ *\"\{0,1\}resolvConf\"\{0,1\}: *[\"']\{0,1\}\([^\"', #]*\).*/\1/p" | tail -n 1)
  fi
  host "${conf:-/etc/resolv.conf}" "$process/root"
  grep -E '^(nameserver|search|domain|options)[[:space:]]' "$path" | head -n 64 >b/host/resolv.conf
}

job_sandboxes() {
  cut -f 4 b/sandboxes.before | reduced "$spec" >b/sandboxes.ndjson
  cut -f 4 b/sandboxes.before | xargs stat -c '%Y %i %n' >b/sandboxes.files
  for dir in $(states); do lines "$R$dir"/io.containerd.runtime.v2.task/k8s.io/*/shim-binary-path; done |
    xargs grep -Hs . | sed "s/shim-binary-path:/shim-binary-path$T/" >b/sandboxes.shims
  settings=$(cat containerd)
  { setting root; echo /var/lib/containerd; } | sort -u | while read -r dir; do
    host "$dir"
    [ -d "$path/io.containerd.grpc.v1.cri/sandboxes" ] && stat -c '%Y %n' "$path"/io.containerd.grpc.v1.cri/sandboxes/*
  done >b/sandboxes.kept
  # What the containers themselves have as resolv.conf. Only its own keywords leave the node, and only of a regular
  # file: a container may have put a pipe or a link there.
  while IFS=$T read -r kind id pid file; do
    [ "$pid" = - ] && continue
    conf=/proc/$pid/root/etc/resolv.conf
    if [ -L "$conf" ] || { [ -e "$conf" ] && [ ! -f "$conf" ]; }; then echo "# $id $pid odd"
    elif [ -f "$conf" ]; then echo "# $id $pid file"; echo "$conf" >>resolv
    elif [ -d "/proc/$pid/root/" ]; then echo "# $id $pid none"
    fi
  done <b/sandboxes.before >resolv.index
  # A container may also have made it larger than our memory. One that was gone before it was read is odd as well.
  [ -f resolv ] && xargs stat -c '%s %n' <resolv | awk '$1 <= 65536 { print $2 }' >resolv.small
  {
    [ -s resolv.small ] || exit 0
    xargs grep -HsE -m 64 '^(nameserver|search|domain|options)[[:space:]]' <resolv.small | cut -c 1-2200 >b/resolv
    xargs stat -c '%n' <resolv.small
  } | awk '$1 != "#" { split($1, part, "/"); read[part[3]] = 1; next } $4 == "file" && !($3 in read) { $4 = "odd" } { print }' - resolv.index >b/resolv.index
  return 0
}

# A sandbox that was recorded meanwhile owns what was found of it before; one that was half written is read again.
job_sandboxes_again() {
  containers >b/sandboxes.after
  awk -F '\t' 'BEGIN { while ((getline line < "b/sandboxes.ndjson") > 0) {
      split(line, part, "\""); if (part[6] != "error") known[part[4]] } }
    !($4 in known) { print $4 }' b/sandboxes.after >new
  [ -s new ] && reduced "$spec" <new >b/sandboxes.new
  return 0
}

# Before the sandboxes are listed for the second time: what belongs to one that stands in both lists is in each of these.
job_look_again() {
  pin_files >b/host/pins.after
  node_links >b/host/links.after
  grep ' - nsfs ' $M/mountinfo >b/host/mounts.after
  cut -f 3 b/netns/index | each stat -L -c '%i %n' >b/host/index.after 2>/dev/null
  reservations | each stat -c '%Y %s %n' >b/cni/host-local.after 2>/dev/null
  aws_reservations >b/cni/aws-ipam.after
  return 0
}

job_cni() {
  # The runtime looks in its own directories only; configurations and copies of plugins elsewhere are of no use to it.
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
      jq -c --arg name "$name" --arg dir "$dir" 'def plugin: {type, name, mtu, bridge,
        ipam: (.ipam | if type == "object" then {type, subnet, ranges, dataDir} else null end), delegates: [.delegates[]? | {type}]};
        {dir: $dir, file: $name, name, plugins: (if .plugins then [.plugins[] | plugin] else null end),
          single: (if .plugins then null else plugin end)}' "$file" 2>jq.err ||
        jq -nc --arg name "$name" --arg dir "$dir" --rawfile error jq.err '{dir: $dir, file: $name, error: $error[:300]}'
    done
  done >b/cni/config.ndjson
  # shellcheck disable=SC2086
  for dir in ${own:-/opt/cni/bin /usr/libexec/cni /usr/lib/cni}; do
    host $dir
    directory=$path
    [ -d "$directory" ] || continue
    stat -L -c '%A %s %n' "$directory"/* | sed "s#$directory/#$dir/#"
    # Absolute links, as those of k3s, lead nowhere from here.
    for file in "$directory"/*; do
      [ -L "$file" ] && [ ! -e "$file" ] && host "$dir/${file##*/}" && [ -f "$path" ] &&
        stat -c "%A %s $dir/${file##*/}" "$path"
    done
  done >b/cni/binaries
  return 0
}

job_cni_results() {
  host /var/lib/cni
  for file in "$path"/results/* "$path"/cache/results/* $R/run/cni/results/*; do
    [ -f "$file" ] || continue
    case $file in */results/cni-loopback-*) ;; *) lines "$file" ;; esac
  done | reduced '{file: input_filename, kind, containerId, networkName, ifName, netns,
    args: [.cniArgs[]? | select(.[0] | startswith("K8S_POD_"))],
    plugins: (try (.config | @base64d | fromjson | if .plugins then [.plugins[].type] else [.type] end) catch null),
    result: (.result | {cniVersion, interfaces, ips, ip4, ip6, routes})}' >b/cni/results.ndjson
}

# Directories of host-local's networks.
networks() {
  host /var/lib/cni
  for dir in "$path"/networks/* $R/run/cni/networks/*; do [ -d "$dir" ] && lines "$dir"; done
}

reservations() {
  networks | while read -r dir; do lines "$dir"/*; done | grep -v '/\*$'
}

# Checkpoints of the AWS VPC CNI; one that is no JSON is named, with why.
aws_reservations() {
  for file in $R/run/aws-node/ipam*.json; do
    [ -f "$file" ] || continue
    jq -ce --arg file "${file#$R}" '{file: $file, version, allocations}' "$file" 2>jq.err ||
      jq -nc --arg file "${file#$R}" --rawfile error jq.err '{file: $file, error: (if $error == "" then "it is empty" else $error[:300] end)}'
  done
}

job_ipam() {
  networks | sed "s#^$R##" >b/cni/networks
  reservations >ipam
  if [ -s ipam ]; then
    each stat -c '%Y %s %n' <ipam >b/cni/host-local 2>/dev/null
    awk '/\/(lock|last_reserved_ip[^\/]*)$/ { next }
      { file = $0; id = ""; name = ""; getline id < file; getline name < file; close(file)
        gsub(/[\r\t]/, "", id); gsub(/[\r\t]/, "", name); printf "%s\t%s\t%s\n", substr(id, 1, 200), substr(name, 1, 50), file }' ipam >b/cni/host-local-files
  fi
  aws_reservations >b/cni/aws-ipam.ndjson
  return 0
}

# A directory of names for every namespace that anything leads to, so that `ip netns list-id` can say which id is which
# namespace. It is mounted in our own mount namespace only.
job_plan() {
  {
    awk '$1 == "fs" && $2 ~ /^(6e736673|9fa0)$/ { nsfs[$3] = 1 } $1 == "file" && ($5 in nsfs) { print $2 "\tpin\t" root $5 }' root=$M/root b/host/pins
    awk -F '\t' '{ print $2 "\tprocess\t/proc/" $1 "/ns/net" }' b/host/processes
    awk -F '\t' '{ print $3 "\tthread\t/proc/" $1 "/task/" $2 "/ns/net" }' b/host/threads
    awk -F '\t' '{ print $3 "\tdescriptor\t/proc/" $1 "/fd/" $2 }' b/host/descriptors
    awk -F '\t' '{ split($3, f, " "); print substr(f[4], 6, length(f[4]) - 6) "\tmount\t/proc/" $1 "/root" f[5] }' b/host/mounts-elsewhere
  } | awk -F '\t' '$1 != "" && !($1 in seen) { seen[$1] = 1; print }' >b/netns/index
  host_inode=$(stat -L -c %i /proc/1/ns/net)
  if [ /proc/self/ns/mnt -ef /proc/1/ns/mnt ]; then
    echo 'not in a mount namespace of our own: ids of namespaces stay unresolved' >&2
  else
    mount -t tmpfs -o size=4m,mode=700 netns /var/run && mkdir /var/run/netns && {
      while read -r dir; do
        [ -d "$M/root$dir" ] && ln -s "$M/root$dir"/* /var/run/netns/
      done <pin-directories 2>/dev/null
      grep -v "${T}pin$T" b/netns/index | head -n 300 | while IFS=$T read -r inode _ path; do ln -s "$path" "/var/run/netns/inode-$inode"; done
    }
  fi
  printf 'addr show\nroute show table all\nneigh show\nrule show\nnetns list-id\n' >batch
  lines 'stack host host pin 1 /proc/1/ns/net' host_firewall own_names >>jobs
  # Each with a process that lives in it, where there is one: what /proc/PID/net shows needs no entering. Those of sandboxes
  # come first, as leaked ones may go into the thousands: of the others only so many are read, though all are counted.
  grep -o '"path":"[^"]*"' b/sandboxes.ndjson >paths
  awk -F '\t' -v host="$host_inode" -v list=b/host/processes -v sandboxes=b/sandboxes.before -v paths=paths -v most="$stacks" '
    BEGIN { while ((getline line < sandboxes) > 0) { split(line, part, "\t"); listed[part[3]] = 1 }
      while ((getline line < paths) > 0) { sub(/"$/, "", line); sub(/.*\//, "", line); named[line] = 1 }
      while ((getline line < list) > 0) { split(line, part, "\t"); if (part[1] in listed) owned[part[2]] = 1; if (!(part[2] in pid)) pid[part[2]] = part[1] } }
    $1 != host { line = "stack " $1 " netns/" $1 " " $2 " " (($1 in pid) ? pid[$1] : "-") " " $3; name = $3; sub(/.*\//, "", name)
      if (($1 in owned) || ($2 == "pin" && (name in named))) print line; else if (count < most) other[++count] = line " leaked"; else more = 1 }
    END { for (i = 1; i <= count; i++) print other[i]; if (more) print "stacks skipped 0" }' b/netns/index >planned
  grep '^stacks ' planned >>b/steps
  grep '^stack ' planned >stacks
  (cd b && cut -d ' ' -f 3 ../stacks | xargs mkdir -p netns)
  # Who is to be pinged is looked up on the node, in what `ip` prints.
  [ -n "$active" ] || echo netlink >>jobs
  cat stacks >>jobs
  case $active in
    *,ping,* | *,dns,*) lines suspects active_plan ;;
    *) lines suspects $closing ;;
  esac >>jobs
}

# From here on only the host has a name: in a pod's namespace list-id would open every pin again, for each pod.
job_own_names() {
  [ -d /var/run/netns ] && mv /var/run/netns /var/run/all && mkdir /var/run/netns && ln -s /proc/1/ns/net "/var/run/netns/inode-$(stat -L -c %i /proc/1/ns/net)"
}

# Asks the kernel itself about one namespace after the other, in one process: `ip` and `nft` would cost each pod more than all
# else. Its answers are kept as they are. `nft` is empty, and written last: a namespace without it is left to `stack`.
# perl has no names for these: RTM_GETLINK 18 (29 and 8: IFLA_EXT_MASK, without statistics), GETADDR 22, GETROUTE 26, GETNEIGH 30,
# GETRULE 34 (families 2 and 10), GETNSID 90 (3: NETNSA_FD), NFT_MSG_GETTABLE 2561; 769 asks for a list, 1 for one answer; NLMSG_ERROR 2
# and NLMSG_DONE 3 end it, 16 is NLM_F_DUMP_INTR; 16 and 3 open AF_NETLINK (0: routes, 12: netfilter); O_NONBLOCK 2048, CLONE_NEWNET.
job_netlink() {
  # setns(2)
  case $(uname -m) in x86_64) setns=308 ;; aarch64) setns=268 ;; *) setns= ;; esac
  [ -z "$setns" ] || perl -e '
    my $setns = shift;
    # Before the limit of this job: what is left then is read by the next ones.
    alarm 9;
    # A file that grows too large is that of one namespace only.
    $SIG{XFSZ} = "IGNORE";
    sub ask { my ($socket, $type, $flags, $sequence, $body) = @_;
      send $socket, pack("LSSLL", 16 + length $body, $type, $flags, $sequence, 0) . $body, 0 or die;
      for (my $all = "";;) {
        defined recv $socket, my $part, 65536, 0 or die;
        $all .= $part;
        die if length $all > 2e6;
        for (my $at = 0; $at < length $part;) { my ($length, $kind, $marks) = unpack "LSS", substr $part, $at;
          # An interrupted dump may lack something.
          die if $length < 16 or $marks & 16;
          return $all if $kind == 2 or $kind == 3 or $flags == 1;
          $at += $length + 3 & ~3 } } }
    sub keep { open my $file, ">", "part" or die; print $file $_[1] and close $file and rename "part", $_[0] or die }
    sub numbers { open my $file, "<", "/proc/self/net/$_[0]" or return (); <$file> }
    open my $host, "<", "/proc/1/ns/net" or exit;
    while (<STDIN>) { chomp; my (undef, $inode, $directory, undef, undef, $path) = split / /;
      eval {
        # Of a name that became a pipe meanwhile nothing is waited for.
        (stat $path)[1] == $inode and sysopen my $own, $path, 2048 or die;
        (stat $own)[1] == $inode and !syscall $setns, fileno $own, 0x40000000 or die;
        socket my $route, 16, 3, 0 or die;
        my $answers = ask($route, 18, 769, 1, pack "x16SSL", 8, 29, 8);
        $answers .= ask($route, @$_) for [22, 769, 2, pack "x8"], [26, 769, 3, pack "x12"], [30, 769, 4, pack "x12"],
          [34, 769, 5, pack "Cx11", 2], [34, 769, 6, pack "Cx11", 10], [90, 769, 7, pack "x4"],
          [90, 1, 8, pack "x4SSL", 8, 3, fileno $host];
        keep("b/$directory/netlink", $answers);
        my @tracked = numbers("stat/nf_conntrack");
        keep("b/$directory/conntrack", hex((split / /, $tracked[1])[0]) . "\n") if @tracked > 1;
        socket my $filter, 16, 3, 12 or die;
        my $tables = ask($filter, 2561, 769, 1, pack "x4");
        keep("b/$directory/nft", "") if (unpack "LS", $tables)[1] == 3 and !numbers("ip_tables_names") and !numbers("ip6_tables_names") } }
    ' $setns <stacks
  return 0
}

# stack INODE DIRECTORY KIND PID PATH [leaked]: what one namespace holds. PID lives in it, or is `-`. Of one
# that no pod has nobody asks for more than links, addresses and routes.
job_stack() {
  out=b/$2
  case $3 in
    pin) ;;
    # The process may have gone, and its number be another's.
    *) ended "$1" "$5" && return 0 ;;
  esac
  if [ ! -f "$out/netlink" ]; then
    # ip enters by itself for half of what nsenter costs, but mounts a /sys of its own, which may be forbidden.
    ip -n "../../../..$5" -j -d -force -batch batch >"$out/ip.json" 2>ip.err ||
      nsenter --net="$5" ip -j -d -force -batch batch >"$out/ip.json" || { code=$?; ended "$1" "$5" && return 0; return $code; }
  fi
  [ -z "$6" ] || return 0
  net=
  [ "$4" != - ] && [ "/proc/$4/ns/net" -ef "$5" ] && net=/proc/$4/net
  if [ -n "$net" ]; then
    inside "$net" "$out"
  else
    nsenter --net="$5" sh -c "$inside"'; inside /proc/net "$1"; printf "%s\n" "six=$six" "legacy=\"$legacy\""' sh "$out" >inside && . ./inside
  fi
  # Rules for IPv6 matter only where an address of it is more than link-local; that saves a fork in most pods.
  if [ "$1" = host ] || { [ -n "$six" ] && [ ! -f "$out/netlink" ]; }; then nsenter --net="$5" ip -j -6 rule show >"$out/rule6.json" || return; fi
  [ "$1" = host ] || filters "$5" "$out"
}

# filters NAMESPACE DIRECTORY: its packet filters, and of `legacy` those of the old iptables.
filters() {
  nsenter --net="$1" nft -s list ruleset >"$2/nft" 2>nft.err || echo "nft: exit $?" >>nft.err
  for family in $legacy; do
    nsenter --net="$1" "${family}tables-legacy-save" >"$2/${family}tables-legacy" || echo "${family}tables-legacy-save: exit $?" >>nft.err
  done
  [ ! -s nft.err ] || mv nft.err "$2/nft.err"
}

# inside NET DIRECTORY: sets `six` where there are addresses of IPv6 beyond link-local and `legacy` to the families with
# tables of the old iptables, and writes the number of tracked connections. NET is /proc/PID/net.
inside='inside() {
  six= legacy= count=
  [ -f "$1/if_inet6" ] && while read -r _ _ _ scope _; do [ "$scope" = 00 ] && six=1; done <"$1/if_inet6"
  [ -f "$1/stat/nf_conntrack" ] && { read -r _; read -r count _; } <"$1/stat/nf_conntrack" && echo $((0x$count)) >"$2/conntrack"
  for family in ip ip6; do
    table=
    [ -f "$1/${family}_tables_names" ] && read -r table <"$1/${family}_tables_names"
    [ -z "$table" ] || legacy="$legacy $family"
  done
}'
eval "$inside"

# Whether the path no longer leads to the namespace: then it is noted as gone, and nothing is left of it.
ended() {
  [ "$1" != host ] && [ "$(stat -L -c %i "$2" 2>/dev/null)" != "$1" ] || return 1
  echo "$1" >>b/netns/gone
  rm -rf "b/netns/$1"
}

job_host_firewall() {
  inside /proc/1/net b/host
  filters /proc/1/ns/net b/host
}

# Who may hold a namespace that only a socket keeps alive: processes with sockets that their own namespace does
# not list. Costly, so only when the host knows a namespace that nothing led to.
job_suspects() {
  [ -s b/host/ip.json ] || return
  sed -n 5p b/host/ip.json | grep -q '"nsid":[0-9]*}' || return 0
  # Only the namespaces of processes that have sockets are read; our own processes are none of them.
  awk -v list=b/host/processes -v ours="$(stat -L -c %i /proc/self/ns/mnt)" '{ pid[NR] = $1; socket[NR] = $2; has[$1] = 1 }
    END { while ((getline line < list) > 0) { split(line, part, "\t"); if (!(part[1] in has) || part[4] == ours) continue
        net[part[1]] = part[2]; command[part[1]] = part[8]; if (!(part[2] in first)) first[part[2]] = part[1] }
      count = split("tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 packet unix netlink sctp/eps", table, " ")
      for (inode in first) for (i = 1; i <= count; i++) { file = "/proc/" first[inode] "/net/" table[i]
        while ((getline line < file) > 0) { m = split(line, word, " "); for (j = 1; j <= m; j++) if (word[j] ~ /^[0-9][0-9][0-9]+$/) own[inode, word[j]] = 1 }
        close(file) }
      for (i = 1; i <= NR; i++) if ((pid[i] in net) && !((net[pid[i]], socket[i]) in own)) foreign[pid[i]]++
      for (one in foreign) printf "%s\t%s\t%s\n", one, foreign[one], command[one] }' sockets >b/host/suspects
}

# Whether a namespace can be made at all, without a name or a link that anyone else sees.
job_creation() {
  [ "$creation" = 1 ] || return 0
  clock; before=$now
  error=$(unshare --net ip link add netns-audit0 type veth peer name netns-audit1 2>&1); code=$?
  clock
  printf '%s\t%s\t%s\n' "$code" "$(((now - before) * 10))" "$error" >b/kernel/creation
}

# Asked for only: does each pod answer the node, see its gateway, and get an answer from its DNS server? A pod names its links
# and servers as it likes: what is no plain name or address goes into no command.
job_active_plan() {
  lines b/netns/*/ip.json | grep -v '\*' | xargs jq -r '(input_filename | split("/")[-2]) as $inode | .[]
    | if .addr_info then select(.ifname != "lo") | .addr_info[] | select(.scope == "global") | "\($inode) address \(.local)"
      elif .dst == "default" and .gateway and .table == "main" then "\($inode) gateway \(.gateway)" +
        if .gateway[:4] == "fe80" then "%\(.dev)" | select(test("^[%A-Za-z0-9_.-]+$")) else "" end
      else empty end' >found || return
  awk -F '\t' -v found=found -v resolv=b/resolv '
    { net[$1] = $2 }
    END { while ((getline line < resolv) > 0) if (match(line, /:nameserver /)) { split(line, part, "/"); server = substr(line, RSTART + RLENGTH)
        sub(/[ \t].*/, "", server); if ((part[3] in net) && !(net[part[3]] in dns) && server ~ /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/) dns[net[part[3]]] = server }
      while ((getline line < found) > 0) { split(line, word, " "); value[word[1], word[2]] = value[word[1], word[2]] "," word[3]; all[word[1]] = 1 }
      for (inode in all) printf "%s\t-%s\t-%s\t%s\n", inode, value[inode, "address"], value[inode, "gateway"], (inode in dns) ? dns[inode] : "-" }' b/host/processes >b/active/targets
  case $active in *,ping,*) echo active_ping ;; esac >>jobs
  while IFS=$T read -r inode _ gateway server; do
    path=$(awk -F '\t' -v inode="$inode" '$1 == inode { print $3; exit }' b/netns/index)
    lines "active_pod $inode $gateway $server $path"
  done <b/active/targets >>jobs
  lines $closing >>jobs
}

job_active_ping() {
  cut -f 2 b/active/targets | tr , '\n' | grep -v '^-$' >addresses || return 0
  nsenter --net=/proc/1/ns/net fping -r 1 -t 300 -i 2 -f addresses >b/active/ping
  [ $? -le 2 ] && nsenter --net=/proc/1/ns/net ip neigh show >b/active/neighbours
}

# active_pod INODE GATEWAY SERVER PATH. Gateways of Calico and AWS never answer, which is known after most of a second: meanwhile
# the next pods have their turn.
job_active_pod() {
  case $active in *,ping,*)
    [ "$2" = - ] || nsenter --net="$4" sh -c 'IFS=,; fping -r 1 -t 300 -- $1; ip neigh show' sh "${2#-,}" >"b/active/$1.gateway" 2>&1 & ;;
  esac
  case $active in *,dns,*)
    [ "$3" = - ] || {
      echo "$lookup"
      nsenter --net="$4" dig +time=1 +tries=2 +short "@$3" "$lookup" A; code=$?
      echo "code=$code"
    } >"b/active/$1.dns" 2>&1 ;;
  esac
  [ $((number % 8)) -gt 0 ] || wait
}

job_end() { wait; }

closing='look_again sandboxes_again end'

# Ends the worker at the job whose number is $1, notes what is left out between that and the closing jobs, and sets `number`
# to the job before these. False, and the worker goes on, when it is at one of these already.
close_early() {
  grep -q '^look_again' jobs || lines $closing >>jobs
  number=$(grep -n '^look_again' jobs | head -n 1)
  number=$((${number%%:*} - 1))
  [ "${1:-0}" -le "$number" ] 2>/dev/null || return 1
  kill -9 $worker 2>/dev/null
  awk -v from="${1:-0}" -v to="$number" 'NR <= from || NR > to { next }
    $1 == "stack" { $0 = ($2 == "host") ? "stack skipped 0 host" : "stacks skipped 0"; if (!($0 in seen)) print; seen[$0] = 1; next }
    !($1 in seen) { seen[$1] = 1; print $1 " skipped 0" }' jobs >>b/steps
}

# Runs the jobs from number $1 on. A file that grows beyond 2 MiB ends its command with SIGXFSZ.
work() {
  exec 2>>b/errors
  ulimit -f 4096
  number=0 first=$1 over=
  while read -r job arguments; do
    number=$((number + 1))
    [ "$number" -lt "$first" ] && continue
    case "$job $arguments" in
      'stack host '*) ;;
      'stack '*)
        directory=${arguments#* }
        [ ! -f "b/${directory%% *}/nft" ] || continue
        clock
        if [ "$now" -gt "$stacks_until" ]; then
          [ -n "$over" ] || echo 'stacks skipped 0' >>b/steps
          over=1
          continue
        fi ;;
    esac
    lines "$number $job $arguments" >at
    lines "## $job $arguments" >&2
    clock; started=$now
    # Split at blanks, but a `*` in the path of a container's mount is no pattern of ours.
    # shellcheck disable=SC2086
    set -f; set -- $arguments; set +f
    "job_$job" "$@" </dev/null; code=$?
    clock
    lines "$job $code $((now - started)) $arguments" >>b/steps
  done <jobs
  echo done >at
}

lines kernel_log host_facts kernel_state places containers walk processes threads descriptors mounts sandboxes pins node_resolv_conf cni cni_results ipam creation plan >jobs
clock; begun=$now since=$now last='' closed=''
# Without the jobs that close it, nothing of the runtime can be judged: the last quarter of the time is theirs, and the
# stacks of namespaces get what is before two thirds of it.
stacks_until=$((begun + total * 67)) reserve=$((total * 25))
[ $reserve -le $((limit * 100)) ] || reserve=$((limit * 100))
: >at >b/steps
{ echo version=1; date +time=%s; echo "uptime=$begun"; echo "arguments=$*"; } >b/meta
work 1 & worker=$!
while :; do
  sleep 0.1
  read -r at <at || at=''
  if [ "$at" = done ]; then wait $worker; break; fi
  clock
  if [ $((now - begun)) -gt $((total * 100)) ]; then
    lines "total hung $((now - begun)) $at" >>b/steps
    kill -9 $worker 2>/dev/null
    break
  fi
  if [ "$at" != "$last" ]; then last=$at since=$now; fi
  gone=''
  kill -0 $worker 2>/dev/null || gone=died
  # A kernel that takes apart a hundred namespaces lets wait who asks for links. What closes the probe may take longer than a
  # step may, as nothing but the reserve waits for its end; and so may the look at the host, as all others would wait as well.
  [ $((now - since)) -gt $((limit * 100)) ] && case ${at#* } in
    look_again* | sandboxes_again* | 'stack host'*) [ $((now - begun)) -gt $((total * 100 - reserve)) ] ;;
  esac && gone=hung
  if [ -z "$closed" ] && [ $((now - begun)) -gt $((total * 100 - reserve)) ]; then
    closed=1
    read -r at <at || at=''
    if close_early "${at%% *}"; then
      rest=${at#* }
      case $rest in '') ;; *' '*) lines "${rest%% *} hung $((now - since)) ${rest#* }" ;; *) lines "$rest hung $((now - since))" ;; esac >>b/steps
      since=$now last=''
      work $((number + 1)) & worker=$!
    fi
    continue
  fi
  if [ -n "$gone" ]; then
    read -r again <at || again=''
    [ "$again" = "$at" ] || continue
    # No signal ends a process in D state: stop waiting for it and go on with the next job.
    kill -9 $worker 2>/dev/null
    number=${at%% *}; rest=${at#* }
    case $rest in *' '*) ;; *) rest="$rest " ;; esac
    lines "${rest%% *} $gone $((now - since)) ${rest#* }" >>b/steps
    case $rest in plan* | active_plan*) lines $closing >>jobs ;; esac
    since=$now last=''
    work $((${number:-0} + 1)) & worker=$!
  fi
done
clock
times >b/cpu
echo "milliseconds=$(((now - begun) * 10))" >>b/meta
# A file that was cut is absent, not cut.
find b -type f -size +4095 | while read -r file; do rm "$file"; echo "${file#b/} too-large" >>b/dropped; done
pack() { tar -cf - -C b . | gzip -c >bundle.tar.gz; length=$(wc -c <bundle.tar.gz); }
pack
for drop in host/nft host/iptables-legacy host/ip6tables-legacy kernel/log host/descriptors errors; do
  [ "$length" -gt 4400000 ] || break
  [ -f "b/$drop" ] && rm "b/$drop" && echo "$drop bundle-too-large" >>b/dropped && pack
done
digest=$(sha256sum bundle.tar.gz)
base64 -w 4000 bundle.tar.gz
echo
echo "netns-audit-bundle length=$((length)) sha256=${digest%% *}"
rm -rf "$W"
