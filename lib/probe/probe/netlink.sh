# Asks the kernel itself about one namespace after the other, in one process: `ip` and `nft` would cost each pod more than all
# else. Its answers are kept as they are. `nft` is empty, and written last: a namespace without it is left to `stack`. With active
# probes only the ways of packets are kept: who is to be pinged is looked up on the node, in what `ip` prints.
job_netlink() {
  # setns(2)
  case $(uname -m) in x86_64) setns=308 ;; aarch64) setns=268 ;; *) setns= ;; esac
  [ -z "$setns" ] || perl -e '
    <routing.pl>
    <netlink.pl>
    ' $setns ${active:+ways} <stacks
  return 0
}
