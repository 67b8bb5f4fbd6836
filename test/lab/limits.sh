# After pods.sh: a node with limits of the kernel that are too low, and a directory for the boots to come. SCENE is what became of them since they were found.
mount --bind "$DISK" /etc/sysctl.d
# Only the first network of the machine has the thresholds.
neigh=/proc/sys/net/ipv4/neigh/default
mount -t tmpfs neigh ${neigh%/*}
mkdir $neigh
namespaces=/proc/sys/user/max_net_namespaces
echo 96 >$namespaces
for each in 1:128 2:512 3:1024; do echo "${each#*:}" >"$neigh/gc_thresh${each%:*}"; done
conf=/etc/sysctl.d/zz-netns-audit-namespaces.conf
thresholds=/etc/sysctl.d/zz-netns-audit-neighbours-4.conf
case ${SCENE:-} in
  earlier) printf '# By hand.\nuser.max_net_namespaces = 96\n' >$conf ;;
  theirs | unread) echo 'user.max_net_namespaces=192' >$conf ;;
  different) echo 'kernel.pid_max = 4' >$conf ;;
  link) ln -s /etc/hostname $conf ;;
  later) echo 'user/max_net_namespaces = 5' >/etc/sysctl.d/zzz.conf ;;
  before) echo 'user.max_net_namespaces = 5' >/etc/sysctl.d/10-before.conf ;;
esac
network() {
  grep -H . $namespaces $neigh/gc_thresh? || :
  for file in /etc/sysctl.d/*; do [ ! -f "$file" ] || grep -H '' "$file"; done
}
network >/run/lab/before
case ${FEW:-1} in *1*) echo 'restore-limits=user.max_net_namespaces,node,0,96:192' >>/run/lab/asked ;; esac
case ${FEW:-1} in *3*) echo "restore-limits=${ASKED:-}" >>/run/lab/asked ;; esac
case ${FEW:-1} in *2*) echo 'restore-limits=net.ipv4.neigh.default.gc_thresh,node,0,128:512,512:2048,1024:4096' >>/run/lab/asked ;; esac
case ${SCENE:-} in
  theirs | typed) echo 192 >$namespaces ;;
  higher) echo 500 >$namespaces ;;
  lower) echo 90 >$namespaces ;;
  fixed) mount --bind $neigh/gc_thresh2 $neigh/gc_thresh2 && mount -o remount,bind,ro $neigh/gc_thresh2 ;;
  readonly) mount -o remount,bind,ro /etc/sysctl.d ;;
  memory) mount -t tmpfs memory /etc/sysctl.d ;;
  # Programs are found by names there.
  none) mkdir /run/lab/names && mount --bind /etc/alternatives /run/lab/names && mount -t tmpfs none /etc && mkdir /etc/alternatives && mount --bind /run/lab/names /etc/alternatives ;;
  overlay) mkdir -p /run/lab/lower /run/lab/upper /run/lab/work && mount -t overlay overlay -o lowerdir=/run/lab/lower,upperdir=/run/lab/upper,workdir=/run/lab/work /etc/sysctl.d ;;
  gone) mount -t tmpfs empty /proc/sys/user ;;
esac
# Only the first network of the machine says how full the tables are.
printf 'entries  allocs\n%s 00001cb7\n' "${ENTRIES:-00000009}" >/run/lab/entries
cat >/run/lab/bin/sed <<PROGRAM
#!/bin/sh
case "\$*" in *' /proc/net/stat/arp_cache') exec $(command -v sed) "\$1" "\$2" /run/lab/entries ;; esac
exec $(command -v sed) "\$@"
PROGRAM
chmod 755 /run/lab/bin/sed
# Programs that do not do what they are asked for, or that are killed.
for program in tee mv rm; do
  cat >"/run/lab/bin/$program" <<PROGRAM
#!/bin/sh
fatal() {
  [ ! -e /run/lab/kill ] || case "\$*" in \$(cat /run/lab/kill))
    echo >>/run/lab/steps
    [ "\$(wc -l </run/lab/steps)" -lt ${NTH:-1} ] || { $(command -v mv) /run/lab/kill /run/lab/killed; kill -9 -\$(cat /run/lab/group); }
    ;;
  esac
}
case "$program \$*" in ${FAILS:-none}) echo "$program: Permission denied" >&2; exit 1 ;; ${STUCK:-none}) cat >/dev/null; exit 0 ;; esac
fatal before $program "\$@"
$(command -v $program) "\$@"
code=\$?
fatal after $program "\$@"
exit \$code
PROGRAM
  chmod 755 "/run/lab/bin/$program"
done
finish
