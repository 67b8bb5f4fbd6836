# Asks the kernel about one namespace after another, in one process: `ip` and `nft` would cost more per pod than everything
# else. Answers are kept unchanged. `nft` is empty, and written last: a namespace without it is left to `stack`. With active
# probes only the ways of packets are kept: the node finds the ping targets in `ip` output.
job_netlink() {
  # setns(2)
  case $(uname -m) in x86_64) setns=308 ;; aarch64) setns=268 ;; *) setns= ;; esac
  [ -z "$setns" ] || perl -e '
    <routing.pl>
    <netlink.pl>
    ' $setns ${active:+ways} <stacks
  return 0
}
