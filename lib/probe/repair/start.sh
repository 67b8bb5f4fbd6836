# A repair on one node. It deletes orphaned network namespaces, links of plugins that lead into no pod, and address records
# without a container. It deletes each only if every source says at this moment that nobody uses it, and it proves that the
# object is gone. It prints a line for each object (done, would, refused, failed or left, its name, and why), and last `end`
# and the number of lines. It is POSIX sh for busybox ash and dash, with perl and jq, and needs hostPID and hostNetwork.
# Arguments: act=0|1 (0 only looks) settle=SECONDS total=SECONDS, and as an audit found them
# - for each namespace orphan=NAME:INODE:MADE
# - for each pin that is a plain file pin=NAME:INODE:MADE
# - for each link veth=NAME:INDEX
# - for each record address=NETWORK:ADDRESS:CONTAINER
# - for each object that a pod lost of its network restore-WHAT=NAME,PIN,INODE,…: it is put back if it is as it was found;
#   those for what the node has and should not have none,0 in the place of PIN,INODE;
#   with undo- instead of restore- it is taken back if it is as it was put back.
# - restore-limits=NAME,node,0,FROM:TO,…: limits of the kernel, raised if they are as they were found (limits.sh).
# - reboot=BOOT: the node is rebooted if it still is in the boot with this id.
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
W=${TMPDIR:-/tmp}/netns-audit.$$
mkdir -p "$W" && cd "$W" || exit 1
# The log has both streams, and must contain only the answers.
exec 2>errors
act=0 settle=900 total=300 reboot=''
for file in orphans pairs leaked restores undos; do : >$file; done
for argument; do
  case $argument in
    act=*) act=${argument#*=} ;;
    settle=*) settle=${argument#*=} ;;
    total=*) total=${argument#*=} ;;
    # They are judged alike: a namespace that was unpinned may have left such a file.
    orphan=* | pin=*) printf '%s\n' "${argument#*=}" >>orphans ;;
    veth=*) printf '%s\n' "${argument#*=}" >>pairs ;;
    address=*) printf '%s\n' "${argument#*=}" >>leaked ;;
    restore-*=*) argument=${argument#restore-} && printf '%s,%s\n' "${argument%%=*}" "${argument#*=}" >>restores ;;
    reboot=*) reboot=${argument#*=} ;;
    undo-*=*) argument=${argument#undo-} && printf '%s,%s\n' "${argument%%=*}" "${argument#*=}" >>undos ;;
  esac
done
