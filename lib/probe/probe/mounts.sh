# The runtime's mounts (usually PID 1's) of namespaces, of pin directories and of their parents, and the number of all mounts.
job_mounts() {
  awk '{ for (i = 7; $i != "-" && i < NF; i++); type = $(i + 1); total++ }
    type == "nsfs" || $5 ~ /^\/(run|var|var\/run|var\/lib|var\/lib\/cni)?$/ || $5 ~ /\/netns$/ { print }
    END { print "total " total }' $M/mountinfo >b/host/mounts
  [ -f b/host/processes ] || return 1
  # One process of each other mount namespace that holds network namespaces. Copies that follow existing mounts mean nothing, and
  # each agent has one of every pin.
  awk -F '\t' -v first="$(stat -L -c %i $M/ns/mnt)" '$4 != first && !seen[$4]++ { print "/proc/" $1 "/mountinfo" }' b/host/processes |
    xargs grep -lsF ' - nsfs ' | awk -F / -v processes=b/host/processes -v own=b/host/mounts '
    <mounts-elsewhere.awk>' >b/host/mounts-elsewhere
}

# Files in pin directories, through PID 1's root: a copy of the mount shows later pins as plain files.
# One line per file: magic of the file system, inode, mode, modification time, path on the host.
job_pins() {
  pin_directories
  pin_files >b/host/pins
}

# Where pins are: in the usual places, in directories `netns` with mounted namespaces, and where the sandboxes say. In other
# directories, only files that a sandbox names are read.
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
