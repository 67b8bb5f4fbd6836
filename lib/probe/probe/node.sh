# Only its end: on large nodes the whole log exceeds the limit of any file here.
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

# Pods start and end while this runs. What identifies them is read first and last (sandboxes, links) or twice in between
# (pins, mounts, reservations): only what is in both readings is judged.

# Links of the node as `INDEX: NAME`.
node_links() { nsenter --net=/proc/1/ns/net ip -o link show | cut -d : -f 1,2; }

job_containers() { containers >b/sandboxes.before; }

# A file for each link is what costs: of pods' links, only what decides is read (proxy_arp: Calico's; rp_filter: none, but eni is AWS's).
job_kernel_state() {
  (cd /proc/sys && grep -s . user/max_net_namespaces fs/mount-max fs/may_detach_mounts \
    net/ipv4/ip_forward net/ipv[46]/neigh/default/gc_thresh* net/netfilter/nf_conntrack_max net/netfilter/nf_conntrack_count \
    net/ipv4/conf/*/forwarding net/ipv4/conf/all/proxy_arp net/ipv4/conf/cali*/proxy_arp net/ipv4/conf/*/arp_ignore \
    net/ipv4/conf/all/rp_filter net/ipv4/conf/eth*/rp_filter net/ipv4/conf/en[!i]*/rp_filter net/bridge/bridge-nf-call-ip*tables net/ipv6/conf/all/forwarding \
    net/ipv6/conf/default/forwarding) | sed s#^#/proc/sys/# >b/kernel/sysctl
  for family in arp ndisc; do
    [ -f /proc/net/stat/${family}_cache ] && sed "s/^/$family /" /proc/net/stat/${family}_cache
  done >b/kernel/neighbours
  grep '^net_namespace ' /proc/slabinfo >b/kernel/slab
  return 0
}
