# A directory of names for every namespace to which anything leads, so that `ip netns list-id` can say which id is which
# namespace. It is mounted only in this process's mount namespace.
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
  # Each with a process that lives in it, if there is one: reading /proc/PID/net needs no entering. Those of sandboxes come first,
  # as leaked ones may be thousands: only a limited number of the others is read, though all are counted.
  grep -o '"path":"[^"]*"' b/sandboxes.ndjson >paths
  awk -F '\t' -v host="$host_inode" -v list=b/host/processes -v sandboxes=b/sandboxes.before -v paths=paths -v most="$stacks" '
    <plan.awk>' b/netns/index >planned
  grep '^stacks ' planned >>b/steps
  grep '^stack ' planned >stacks
  (cd b && cut -d ' ' -f 3 ../stacks | xargs mkdir -p netns)
  echo netlink >>jobs
  cat stacks >>jobs
  case $active in
    *,ping,* | *,dns,* | *,cross,*) lines suspects holders active_plan ;;
    *) lines suspects holders $closing ;;
  esac >>jobs
}

# From here on only the host has a name: otherwise list-id in a pod's namespace would open every pin again, for each pod.
job_own_names() {
  [ -d /var/run/netns ] && mv /var/run/netns /var/run/all && mkdir /var/run/netns && ln -s /proc/1/ns/net "/var/run/netns/inode-$(stat -L -c %i /proc/1/ns/net)"
}
