# A repair on one node: deletes orphaned network namespaces, pairs of plugins that lead into no pod, and records of addresses of no
# container, each only if everything says at this moment that nobody has it, and proves that it is gone. Prints a line for each (done, would, refused, failed or left, its name, and why), and `end` and their
# number last. POSIX sh, for busybox ash and dash, with perl and jq; it needs hostPID and hostNetwork.
# Arguments: act=0|1 (0 looks only) settle=SECONDS total=SECONDS, and for each namespace orphan=NAME:INODE:MADE, for each pair
# veth=NAME:INDEX, for each record address=NETWORK:ADDRESS:CONTAINER, as an audit found it. And for each object that a pod has lost of its network
# restore-WHAT=NAME,PIN,INODE,…: it is put back where it is as it was found; with undo- in place of restore- it is taken back where it is as it was put back.
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
W=${TMPDIR:-/tmp}/netns-audit.$$
mkdir -p "$W" && cd "$W" || exit 1
# The log has both streams, and is to have nothing but the answers.
exec 2>errors
act=0 settle=900 total=300
for file in orphans pairs leaked restores undos; do : >$file; done
for argument; do
  case $argument in
    act=*) act=${argument#*=} ;;
    settle=*) settle=${argument#*=} ;;
    total=*) total=${argument#*=} ;;
    orphan=*) printf '%s\n' "${argument#*=}" >>orphans ;;
    veth=*) printf '%s\n' "${argument#*=}" >>pairs ;;
    address=*) printf '%s\n' "${argument#*=}" >>leaked ;;
    restore-*=*) argument=${argument#restore-} && printf '%s,%s\n' "${argument%%=*}" "${argument#*=}" >>restores ;;
    undo-*=*) argument=${argument#undo-} && printf '%s,%s\n' "${argument%%=*}" "${argument#*=}" >>undos ;;
  esac
done
