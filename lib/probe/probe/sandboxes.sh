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
  # The containers' own resolv.conf. Only lines with its keywords leave the node, and only from a regular file: a container may
  # have put a pipe or a link there. No `read`: it would ask the kernel for each byte of a long list.
  set -f
  IFS='
'
  for line in $(cut -f 2,3 b/sandboxes.before); do
    id=${line%%"$T"*} pid=${line##*"$T"}
    [ "$pid" = - ] && continue
    conf=/proc/$pid/root/etc/resolv.conf
    if [ -L "$conf" ] || { [ -e "$conf" ] && [ ! -f "$conf" ]; }; then echo "# $id $pid odd"
    elif [ -f "$conf" ]; then echo "# $id $pid file"; echo "$conf" >>resolv
    else echo "# $id $pid none"
    fi
  done >resolv.index
  unset IFS
  # A container may also have made it larger than memory. A file that is gone before it is read is odd as well.
  [ -f resolv ] && xargs stat -c '%s %n' <resolv | awk '$1 <= 65536 { print $2 }' >resolv.small
  IFS='
'
  for line in $({
    [ -s resolv.small ] || exit 0
    xargs grep -HsE -m 64 '^(nameserver|search|domain|options)[[:space:]]' <resolv.small | cut -c 1-2200 >b/resolv
    xargs stat -c '%n' <resolv.small
  } | awk '$1 != "#" { split($1, part, "/"); read[part[3]] = 1; next } $4 == "file" && !($3 in read) { $4 = "odd" } { print }' - resolv.index); do
    # Last, and not by its root, which is what the container makes it: an ended process has no namespaces.
    id=${line% *}
    [ -e "/proc/${id##* }/ns/net" ] || line="$id ended"
    lines "$line"
  done >b/resolv.index
  unset IFS
  set +f
  return 0
}
