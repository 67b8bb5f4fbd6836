# The probe of netns-auditor: collects raw text about the network namespaces of one node and prints it as
# base64(tar.gz) with a trailer. It never judges, writes nothing on the host, and needs hostPID and hostNetwork.
# POSIX sh, for busybox ash and dash. Arguments: limit=SECONDS total=SECONDS stacks=COUNT active=ping,dns,cross creation=0|1
# cross=ADDRESS,ADDRESS… (the next node and pods of it) from=ADDRESS… (pods of this one)
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
limit=15 total=90 stacks=500 active='' creation=1 cross='' from='' lookup=kubernetes.default.svc.cluster.local
for argument; do
  case $argument in
    limit=*) limit=${argument#*=} ;;
    total=*) total=${argument#*=} ;;
    stacks=*) stacks=${argument#*=} ;;
    active=*) active=,${argument#*=}, ;;
    creation=*) creation=${argument#*=} ;;
    cross=*) cross=${argument#*=} ;;
    from=*) from=${argument#*=} ;;
  esac
done
W=${TMPDIR:-/tmp}/netns-audit.$$
# Everything is written below this directory; `b` becomes the bundle.
mkdir -p "$W" && cd "$W" && mkdir -p b/host b/netns b/cni b/kernel b/active || exit 1
# The log has both streams, and must contain nothing but the bundle.
exec 2>>b/errors
